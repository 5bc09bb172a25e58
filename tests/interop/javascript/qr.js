// What a QR code says (spec/qr.md §3).

import { Fault, Reader } from './cbor.js';
import { isHost } from './licence.js';
import { inflate } from './zlib.js';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';

function withoutTransport(text) {
  const bare = text.replace(/^[\ufeff\r\n\t ]+|[\ufeff\r\n\t ]+$/g, '');
  const aim = /^\][A-Za-z][0-9A-Za-z]/.exec(bare);
  return aim === null ? bare : bare.slice(3).replace(/^[\ufeff\r\n\t ]+/, '');
}

/** RFC 9285, strictly; null if it is none. */
function base45(text) {
  const bytes = [];
  for (let at = 0; at < text.length; at += 3) {
    const values = [...text.slice(at, at + 3)].map((character) => ALPHABET.indexOf(character));
    const number = values.reduceRight((total, value) => total * 45 + value, 0);
    if (values.includes(-1) || values.length === 1 || number > (values.length === 3 ? 65535 : 255)) return null;
    if (values.length === 3) bytes.push(number >> 8);
    bytes.push(number & 0xff);
  }
  return Uint8Array.from(bytes);
}

function readReference(bytes) {
  const reader = new Reader(bytes);
  const items = reader.array();
  if (reader.uint() !== 1) return { code: 'VERSION_UNSUPPORTED' };
  if (items !== 4) return { code: 'NOT_CONFORMANT' };
  const reference = { cti: reader.bytesOf(16), digest: reader.bytesOf(32), host: reader.text() };
  reader.end();
  return isHost(reference.host) ? { reference } : { code: 'NOT_CONFORMANT' };
}

/** @returns {Object} `{object}`, `{reference}` or `{code}`. */
export function readQr(scanned) {
  const text = withoutTransport(scanned);
  const prefix = ['EL1R:', 'EL1:'].find((own) => text.startsWith(own));
  if (prefix === undefined) return { code: /^EL[2-9]R?:/.test(text) ? 'VERSION_UNSUPPORTED' : 'UNREADABLE' };
  if (new TextEncoder().encode(text).length > 1994) return { code: 'NOT_CONFORMANT' };
  const bytes = base45(text.slice(prefix.length));
  if (bytes === null) return { code: 'UNREADABLE' };
  if (prefix === 'EL1:') {
    const object = inflate(bytes, 65536);
    return object instanceof Uint8Array ? { object } : { code: object === 'TOO_LONG' ? 'NOT_CONFORMANT' : 'UNREADABLE' };
  }
  try {
    return readReference(bytes);
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    return { code: fault.kind };
  }
}
