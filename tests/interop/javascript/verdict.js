// The verdict: outcome and sentence from the checks, and its JSON (spec/verdict.md).

import { hex } from './bytes.js';
import { codeOf } from './codes.js';
import { show } from './time.js';

export const GROUPS = ['FORMAT', 'CRYPTO', 'ISSUER', 'TIME', 'SCHEMA', 'STATUS', 'LOG', 'SUBJECT', 'POLICY'];
const WARNINGS = [
  'EXPIRES_SOON', 'OFFLINE', 'STATUS_AGE', 'GRACE_USED', 'LOG_PENDING', 'ISSUER_SUCCEEDED', 'NEWER_VERSION',
  'ALGORITHM_SUNSET_SOON', 'LOG_NOT_ASKED',
];
const digestText = (digest) => `sha-256:${hex(digest)}`;
const resultOf = (code) => (codeOf(code).outcome === 'REJECT' ? 'FAIL' : 'INCONCLUSIVE');

/** The checks of one verification, in the order in which they are made. */
export class Record {
  checks = [];
  warnings = new Set();

  pass(group, source = null) {
    this.checks.push({ group, result: 'PASS', code: null, source });
  }

  skip(group) {
    this.checks.push({ group, result: 'SKIPPED', code: null, source: null });
  }

  found(code, source = null) {
    this.checks.push({ group: codeOf(code).group, result: resultOf(code), code, source });
  }

  /** The codes of a group, or that it passed. */
  group(group, codes, source = null) {
    if (codes.length === 0) this.pass(group, source);
    codes.forEach((code) => this.found(code, source));
  }

  /** Nothing after this code is looked at. */
  stop(code) {
    this.found(code);
    GROUPS.slice(GROUPS.indexOf(codeOf(code).group) + 1).forEach((group) => this.skip(group));
  }

  /** A code that stops before CRYPTO was reached: verify.md §15. */
  stopEarly(code) {
    for (const group of GROUPS.slice(0, GROUPS.indexOf(codeOf(code).group))) {
      if (group === 'CRYPTO') this.skip(group);
      else this.pass(group);
    }
    this.stop(code);
  }

  warn(warning) {
    this.warnings.add(warning);
  }
}

function sentence(code, licence, kind) {
  if (code === null) return { 'zh-CN': '证照有效', en: 'The licence is valid' };
  const { zh, en } = codeOf(code);
  if (kind !== null) {
    const [word, english] = kind.isOwn ? ['不是证照', 'No licence'] : ['无法识读', 'Unreadable'];
    return {
      'zh-CN': `${word}：这是${kind.zh}，请提交证照文件（.elic）或其二维码`,
      en: `${english}: this is a ${kind.en}; present the file of the licence (.elic) or its QR code`,
    };
  }
  if (code === 'NOT_YET_VALID' && licence?.nbf != null) {
    return { 'zh-CN': `${zh}，自 ${show(licence.nbf)} 起有效`, en: `${en}: valid from ${show(licence.nbf)}` };
  }
  if ((code === 'EXPIRED' || code === 'VIEW_EXPIRED') && licence !== null) {
    return { 'zh-CN': `${zh}，有效期至 ${show(licence.exp)}`, en: `${en}: valid until ${show(licence.exp)}` };
  }
  return { 'zh-CN': zh, en };
}

const plain = (value) => (value instanceof Uint8Array ? hex(value) : Array.isArray(value) ? value.map(plain) : value);

function licenceJson(licence) {
  return {
    issuer: licence.iss,
    vct: licence.vct,
    issued_at: show(licence.iat),
    not_before: licence.nbf === null ? null : show(licence.nbf),
    expires_at: show(licence.exp),
    view: licence.isView,
    fields: Object.fromEntries([...licence.fields].map(([key, value]) => [key, plain(value)])),
  };
}

function basisJson({ now, policy, trust, token, log, catalogue }) {
  const list = trust?.list ?? null;
  return {
    now: show(now),
    policy: { id: policy.id, version: policy.version },
    trust_list: list && { version: list.version, digest: digestText(list.digest), timestamp: show(trust.timestamp.iat) },
    status_list: token && { uri: token.uri, iat: show(token.iat), digest: digestText(token.digest) },
    log: log && {
      origin: log.origin,
      size: log.size === null ? null : Number(log.size),
      index: log.index === null ? null : Number(log.index),
      root: log.root === null ? null : digestText(log.root),
      proof: log.proof === null ? null : digestText(log.proof),
    },
    catalogue: catalogue && { version: catalogue.version, digest: digestText(catalogue.digest) },
  };
}

/** The JSON of a verdict, to the byte. `licence` is null if nothing of it may be shown. */
export function verdictJson(record, licence, kind, basis) {
  const first = (result) => record.checks.find((check) => check.result === result)?.code;
  const failed = first('FAIL');
  const code = failed ?? first('INCONCLUSIVE') ?? null;
  const outcome = failed !== undefined ? 'REJECT' : code === null ? 'ACCEPT' : codeOf(code).outcome;
  const codes = record.checks.map((check) => check.code).filter((one) => one !== null);
  return JSON.stringify({
    outcome,
    code,
    gb_result: code === null ? 0 : codeOf(code).platform,
    advice: code === null ? 'rely' : codeOf(code).advice,
    alarm: codes.some((one) => codeOf(one).alarm),
    text: sentence(code, licence, kind),
    checks: record.checks.map(({ group, result, code: own, source }) => ({
      group,
      result,
      code: own,
      source: source && digestText(source.digest),
      source_time: source && show(source.time),
      age_s: source && basis.now - source.time,
    })),
    warnings: WARNINGS.filter((warning) => record.warnings.has(warning)),
    licence: licence && licenceJson(licence),
    basis: basisJson(basis),
  });
}
