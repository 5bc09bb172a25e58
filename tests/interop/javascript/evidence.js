// Evidence from an offline bundle (spec/bundle.md §2): every part is verified on load, and one that does not hold is left out.

import { hex, sha256, utf8 } from './bytes.js';
import { openCatalogue } from './catalogue.js';
import { Fault } from './cbor.js';
import { readCheckpoint } from './log.js';
import { readToken } from './status.js';
import { goesBack, isSpokenFor, loadTrust, speakerOfToken } from './trust.js';

/** Answers null if the part breaks its format. */
async function orNothing(work) {
  try {
    return await work();
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    return null;
  }
}

/** Roots in ascending order of their versions, up to the first gap. */
function rootsOf(parts) {
  const roots = [];
  while (parts.has(`trust/root_${roots.length + 1}.cbor`)) roots.push(parts.get(`trust/root_${roots.length + 1}.cbor`));
  return roots;
}

async function trustOf(parts, pinned, before) {
  const roots = rootsOf(parts);
  if (roots.length === 0) return {};
  const trust = await loadTrust(pinned, roots, parts.get('trust/timestamp.cbor') ?? null, parts.get('trust/list.cbor') ?? null);
  const isOld = trust.held !== undefined && before?.trust.held !== undefined && goesBack(before.trust.held, trust.held);
  return isOld ? { refused: 'TRUST_LIST_ROLLBACK' } : trust;
}

const named = async (text) => hex(await sha256(utf8(text)));

async function addToken(evidence, list, path, bytes) {
  const token = await orNothing(() => readToken(bytes));
  if (token === null || path !== `status/${await named(token.uri)}.cbor`) return;
  evidence.tokens.set(token.uri, { token, signer: await speakerOfToken(list, token), newest: null });
}

async function addHead(evidence, list, path, bytes, now) {
  const checkpoint = await orNothing(() => readCheckpoint(bytes));
  if (checkpoint === null || path !== `log/${await named(checkpoint.origin)}/checkpoint`) return;
  if (await isSpokenFor(list, checkpoint, now)) evidence.heads.set(checkpoint.origin, [checkpoint]);
}

/**
 * @param {Map<string, Uint8Array>} parts of the bundle, by path.
 * @param {Uint8Array | null} pinned SHA-256 of the root that the user has compared.
 * @param {Object | null} before evidence that was seen before, which must not go back.
 * @param {number} now Unix seconds.
 */
export async function load(parts, pinned, before, now) {
  const evidence = { trust: await trustOf(parts, pinned, before), catalogue: null, tokens: new Map(), heads: new Map() };
  const list = evidence.trust.held?.list ?? null;
  if (list === null) return evidence;
  const catalogue = parts.get('catalogue.cbor');
  if (catalogue !== undefined) evidence.catalogue = await orNothing(() => openCatalogue(catalogue, list, now));
  for (const [path, bytes] of parts) {
    if (path.startsWith('status/')) await addToken(evidence, list, path, bytes);
    if (path.startsWith('log/')) await addHead(evidence, list, path, bytes, now);
  }
  for (const [uri, held] of evidence.tokens) {
    const seen = before?.tokens.get(uri)?.token;
    if (seen !== undefined) held.newest = { iat: seen.iat, digest: seen.digest };
  }
  return evidence;
}
