// Status tokens (spec/status.md).

import { notConformant, Reader } from './cbor.js';
import { Sign1 } from './cose.js';
import { readStatusUri } from './licence.js';
import { inflate } from './zlib.js';

const [LONGEST, LONGEST_LIST, LONGEST_LIFE_S] = [1048576, 4194304, 604800];
const TYPES = ['application/statuslist+cwt', 279];

function readList(reader) {
  const found = {};
  for (const key of reader.map()) {
    if (key === 'lst') found.list = reader.bytes();
    else if (key === 'bits') found.bits = reader.uint();
    else throw notConformant('an unknown member in the status list');
  }
  if (found.list === undefined || found.bits !== 2) throw notConformant('lst is missing or bits is not 2');
  return found.list;
}

const CLAIMS = { 2: readStatusUri, 4: (r) => r.time(), 6: (r) => r.time(), 65533: readList, 65534: (r) => r.int() };

/** @returns {Promise<Object>} the token, whose signature is not yet verified; throws a Fault. */
export async function readToken(bytes) {
  const object = Sign1.parse(bytes, LONGEST);
  if (!TYPES.includes(object.typ) || object.logProof !== null) throw notConformant('the object is not a status token');
  if (!object.isOfAllowedAlgorithm) throw notConformant('a status token with a forbidden algorithm');
  const reader = new Reader(object.payload);
  const found = reader.closed(CLAIMS, [2, 4, 6, 65533, 65534]);
  reader.end();
  const [uri, exp, iat, ttlS] = [found[2], found[4], found[6], found[65534]];
  if (ttlS < 1 || ttlS > exp - iat || exp - iat > LONGEST_LIFE_S) throw notConformant('the life of the token is out of bounds');
  const array = inflate(found[65533], LONGEST_LIST);
  if (!(array instanceof Uint8Array)) throw notConformant('the list does not inflate');
  return { object, uri, iat, exp, ttlS, array, digest: await object.statementDigest() };
}

/** The value of an entry, 0 to 3, or null beyond the end of the list. */
export function valueOf(token, index) {
  const byte = token.array[Math.floor(index / 4)];
  return byte === undefined ? null : (byte >> ((index % 4) * 2)) & 3;
}
