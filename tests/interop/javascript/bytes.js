// Bytes: comparison, hexadecimal, strict UTF-8, strict Base64, SHA-256.
//
// In scope: what every format of spec/ needs of bytes. Out of scope: the formats.

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

export const EMPTY = new Uint8Array(0);

/** @returns {Uint8Array} the UTF-8 bytes of a text. */
export const utf8 = (text) => encoder.encode(text);

/** @returns {string | null} the text, or null if the bytes are not UTF-8. */
export function text(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

/** Bytewise order: below 0, 0 or above 0. */
export function compare(a, b) {
  const common = Math.min(a.length, b.length);
  for (let at = 0; at < common; at += 1) {
    if (a[at] !== b[at]) return a[at] - b[at];
  }
  return a.length - b.length;
}

export const equal = (a, b) => a.length === b.length && compare(a, b) === 0;

/** Order of two texts by the bytes of their UTF-8, as all lists of the standard are sorted. */
export const compareTexts = (a, b) => compare(utf8(a), utf8(b));

export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whether `wanted` stands anywhere in `bytes`. */
export function contains(bytes, wanted) {
  for (let at = 0; at + wanted.length <= bytes.length; at += 1) {
    if (equal(bytes.subarray(at, at + wanted.length), wanted)) return true;
  }
  return false;
}

export const startsWith = (bytes, wanted, at = 0) => equal(bytes.subarray(at, at + wanted.length), wanted);

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

export function fromHex(text) {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new Error('not lower-case hexadecimal');
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Base64 with padding and zero spare bits (log.md), or null. */
export function fromBase64(text) {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  const binary = atob(text);
  return btoa(binary) === text ? Uint8Array.from(binary, (character) => character.charCodeAt(0)) : null;
}

/** @returns {Promise<Uint8Array>} 32 bytes. */
export async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', concat(...parts)));
}
