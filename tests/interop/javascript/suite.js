// Ed25519 by the rules of spec/suite.md: import check, thumbprint, strict verification.
//
// In scope: which keys and signatures count. Out of scope: the equation itself, which WebCrypto computes.
// BigInt arithmetic is not constant in time; all its inputs are public.

import { equal, hex, sha256 } from './bytes.js';
import { notConformant } from './cbor.js';

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const COSE_KEY_HEAD = Uint8Array.of(0xa3, 0x01, 0x01, 0x20, 0x06, 0x21, 0x58, 0x20);

const mod = (value) => ((value % P) + P) % P;

function power(base, exponent) {
  let result = 1n;
  for (let [square, rest] = [mod(base), exponent]; rest > 0n; rest >>= 1n, square = mod(square * square)) {
    if (rest & 1n) result = mod(result * square);
  }
  return result;
}

const inverse = (value) => power(value, P - 2n);
const D = mod(-121665n * inverse(121666n));
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n);

const littleEndian = (bytes) => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

/** Points in extended coordinates: x = X / Z, y = Y / Z, T = XY / Z (RFC 8032 §5.1.4). */
const IDENTITY = [0n, 1n, 1n, 0n];

function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2));
  const b = mod((y1 + x1) * (y2 + x2));
  const c = mod(2n * t1 * t2 * D);
  const d = mod(2n * z1 * z2);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function times(point, scalar) {
  let result = IDENTITY;
  for (let [sum, rest] = [point, scalar]; rest > 0n; rest >>= 1n, sum = add(sum, sum)) {
    if (rest & 1n) result = add(result, sum);
  }
  return result;
}

const isIdentity = ([x, y, z]) => x === 0n && y === z;

/** The point with these 32 bytes in its canonical encoding, or null (RFC 8032 §5.1.3). */
function point(bytes) {
  const sign = bytes[31] >> 7;
  const y = littleEndian(bytes) & (2n ** 255n - 1n);
  if (y >= P) return null;
  const [u, v] = [mod(y * y - 1n), mod(D * y * y + 1n)];
  let x = mod(u * power(v, 3n) * power(u * power(v, 7n), (P - 5n) / 8n));
  if (mod(v * x * x) === mod(-u)) x = mod(x * ROOT_OF_MINUS_ONE);
  if (mod(v * x * x) !== u || (x === 0n && sign === 1)) return null;
  if (Number(x & 1n) !== sign) x = P - x;
  return [x, y, 1n, mod(x * y)];
}

const isSmallOrder = (candidate) => isIdentity(times(candidate, 8n));

/** Import checks are made once a key: a trust list names the same ones over and over. */
const imported = new Map();

export class PublicKey {
  /** @param {Uint8Array} bytes 32 bytes; throws a Fault if they fail the import check. */
  static import(bytes) {
    const name = hex(bytes);
    let key = imported.get(name);
    if (key === undefined) {
      key = PublicKey.#check(bytes);
      imported.set(name, key);
    }
    return key;
  }

  static async #check(bytes) {
    const key = bytes.length === 32 ? point(bytes) : null;
    if (key === null || isSmallOrder(key) || !isIdentity(times(key, L))) {
      throw notConformant('a public key fails the import check');
    }
    const thumbprint = await sha256(COSE_KEY_HEAD, bytes);
    const handle = await crypto.subtle.importKey('raw', bytes, { name: 'Ed25519' }, false, ['verify']);
    return new PublicKey(bytes, thumbprint.subarray(0, 8), handle);
  }

  constructor(bytes, kid, handle) {
    this.bytes = bytes;
    this.kid = kid;
    this.handle = handle;
  }

  is(other) {
    return equal(this.bytes, other.bytes);
  }

  /** Rule 3: S below the order, R as it is computed, and not of small order. */
  async verifies(message, signature) {
    if (signature.length !== 64 || littleEndian(signature.subarray(32)) >= L) return false;
    const r = point(signature.subarray(0, 32));
    if (r === null || isSmallOrder(r)) return false;
    return crypto.subtle.verify({ name: 'Ed25519' }, this.handle, signature, message);
  }
}

/** Reads a COSE_Key; its import check comes later, as it takes time (`PublicKey.import`). */
export function readCoseKey(reader) {
  const read = { 1: (r) => r.int(), '-1': (r) => r.int(), '-2': (r) => r.bytes() };
  const key = reader.closed(read, [1, -1, -2]);
  if (key[1] !== 1 || key[-1] !== 6) throw notConformant('a COSE_Key is not an Ed25519 public key');
  return key[-2];
}

export const ALG_ED25519 = -19;
