// Licences and views: their claims and fields (spec/credential.md, spec/view.md).

import { notConformant, Reader } from './cbor.js';
import { Sign1 } from './cose.js';

const CODE = 64;
const LONGEST = 65536;
const VIEW_LIFE_S = 86400;
export const TYP_LICENCE = 'application/elicence+cwt';
export const TYP_VIEW = 'application/elicence-view+cwt';

export const isVct = (text) => /^urn:elic:[a-z]{2,8}:[0-9A-Z]{3,32}$/.test(text);

/** `host` or `host:port` (trust-list.md §4). */
export function isHost(text) {
  const found = /^([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([1-9][0-9]{0,4}))?$/.exec(text);
  return found !== null && found[1].length <= 253 && (found[2] === undefined || Number(found[2]) <= 65535);
}

/** The host of the uri of a status list, or null if it has another form (status.md). */
export function uriHost(uri) {
  const found = /^https:\/\/([^/]*)(\/.*)$/s.exec(uri);
  const isPlain = found !== null && /^[\x21-\x7e]*$/.test(found[2]) && !/[?#\\]/.test(found[2]);
  return isPlain && isHost(found[1]) ? found[1] : null;
}

export function readStatusUri(reader) {
  const uri = reader.shortText(256);
  if (uriHost(uri) === null) throw notConformant('the status uri has a wrong shape');
  return uri;
}

function readStatus(reader) {
  let status = null;
  for (const key of reader.map()) {
    if (key !== 'status_list') throw notConformant('the status claim holds something else than a status list');
    const found = {};
    for (const member of reader.map()) {
      if (member === 'idx') found.index = reader.uint();
      else if (member === 'uri') found.uri = readStatusUri(reader);
      else throw notConformant('an unknown member in the status list reference');
    }
    status = found;
  }
  if (status?.index === undefined || status.uri === undefined) throw notConformant('idx or uri is missing');
  return status;
}

/** A value of a field: a text, an integer, a bool, bytes, or a list of these. */
function readValue(reader) {
  switch (reader.kind()) {
    case 'int':
      return reader.int();
    case 'bool':
      return reader.bool();
    case 'text': {
      const text = reader.text();
      if (new TextEncoder().encode(text).length > 4096) throw notConformant('a field text is too long');
      return text;
    }
    case 'bytes': {
      const bytes = reader.bytes();
      if (bytes.length > 64) throw notConformant('a field byte string is too long');
      return bytes;
    }
    case 'array': {
      const items = reader.list(0, 256, readValue);
      if (items.length > 64 && !items.every(Array.isArray)) throw notConformant('a field list is too long');
      return items;
    }
    default:
      throw notConformant('a field holds null, a map or a tag');
  }
}

/** @returns {Map<number, *>} the fields, in the order of their keys. */
function readFields(reader) {
  const fields = new Map();
  for (const key of reader.intMap()) {
    if (key < 0 || key > 255 || fields.size === 64) throw notConformant('a field key is out of range, or too many');
    fields.set(key, readValue(reader));
  }
  const revision = fields.get(0);
  if (typeof revision !== 'number' || revision < 1) throw notConformant('field 0, the revision, is missing or wrong');
  return fields;
}

function readVct(reader) {
  const vct = reader.text();
  if (!isVct(vct)) throw notConformant('vct is not a licence type');
  return vct;
}

function readGrounds(reader) {
  const short = (r) => r.shortText(CODE);
  const read = {
    1: short, 2: short, 3: (r) => r.bytesOf(32), 4: (r) => r.time(), 5: short, 6: (r) => r.uint(),
    7: (r) => r.shortText(200), 8: (r) => r.bytesOf(32),
  };
  const found = reader.closed(read, [1, 2, 3, 4, 5, 6]);
  const [serviceItem, caseNumber, licence, licenceIat, licenceIss, catalogueVersion] = [1, 2, 3, 4, 5, 6].map((key) => found[key]);
  return { serviceItem, caseNumber, licence, licenceIat, licenceIss, catalogueVersion, holder: found[8] ?? null };
}

const CLAIMS = {
  1: (r) => r.shortText(CODE), 2: (r) => r.shortText(CODE), 3: (r) => r.shortText(CODE), 4: (r) => r.time(),
  5: (r) => r.time(), 6: (r) => r.time(), 7: (r) => r.bytesOf(16), 11: readVct, 65535: readStatus,
  '-70001': readFields, '-70003': readGrounds,
};

function readClaims(payload, allowed, required) {
  const reader = new Reader(payload);
  const read = Object.fromEntries(allowed.map((claim) => [claim, CLAIMS[claim]]));
  const found = reader.closed(read, required);
  reader.end();
  return {
    iss: found[1], exp: found[4], nbf: found[5] ?? null, iat: found[6], cti: found[7], vct: found[11],
    status: found[65535] ?? null, fields: found[-70001], audience: found[3], grounds: found[-70003] ?? null,
  };
}

function licenceOf(object) {
  if (object.typ !== TYP_LICENCE) throw notConformant('the object is not a licence');
  const required = [1, 4, 5, 6, 7, 11, -70001];
  const claims = readClaims(object.payload, [...required, 2, 65535], required);
  if (claims.exp <= claims.nbf || claims.exp <= claims.iat) throw notConformant('exp is not after nbf and iat');
  return claims;
}

function viewOf(object) {
  if (object.logProof !== null) throw notConformant('the object is not a view');
  const required = [1, 3, 4, 6, 7, 11, -70001, -70003];
  const claims = readClaims(object.payload, [...required, 65535], required);
  if (claims.exp <= claims.iat || claims.exp - claims.iat > VIEW_LIFE_S) {
    throw notConformant('the life of the view is out of bounds');
  }
  return claims;
}

/**
 * Reads a licence or a view; `wanted` is `licence`, `view` or null for either.
 * @returns {Promise<Object>} the claims, the object, its own digest, and the digest of the licence.
 */
export async function parse(bytes, wanted) {
  const object = Sign1.parse(bytes, LONGEST);
  const isView = object.typ === TYP_VIEW;
  if (wanted === 'licence' && isView) throw notConformant('a view where the full licence is wanted');
  if (wanted === 'view' && !isView) throw notConformant('a full licence where a view is wanted');
  const claims = isView ? viewOf(object) : licenceOf(object);
  const licence = isView ? claims.grounds.licence : await object.statementDigest();
  const licenceIssuer = isView ? claims.grounds.licenceIss : claims.iss;
  const licenceIat = isView ? claims.grounds.licenceIat : claims.iat;
  return { ...claims, object, isView, licence, licenceIssuer, licenceIat };
}
