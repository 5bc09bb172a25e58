// The strict reader of deterministic CBOR (spec/cbor.md).
//
// In scope: one item after the other, as the caller expects them; the first breach met is thrown. Out of scope: what the
// items mean.

import { compare, EMPTY, text as decode } from './bytes.js';

const MOST_DEPTH = 8;
const MOST_TIME = 253402300799;

/** A breach of the standard: `UNREADABLE` if the bytes are not well-formed CBOR, else `NOT_CONFORMANT`. */
export class Fault extends Error {
  constructor(kind, what) {
    super(what);
    this.kind = kind;
  }
}

export const notConformant = (what) => new Fault('NOT_CONFORMANT', what);
const unreadable = (what) => new Fault('UNREADABLE', what);
const ENDS = 'the input ends too early';

/** Rule 9: control characters but LF, characters that change the direction of text, normal form C. */
function checkText(text) {
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(text)) {
    throw notConformant('a text holds a control character');
  }
  if (text.normalize('NFC') !== text) throw notConformant('a text is not in normal form C');
}

export class Reader {
  #bytes;
  #view;
  #at = 0;
  /** Items still wanted of each open array, map and tag. */
  #open = [];

  constructor(bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get at() {
    return this.#at;
  }

  get left() {
    return this.#bytes.length - this.#at;
  }

  slice(from) {
    return this.#bytes.subarray(from, this.#at);
  }

  /** The kind of the next item, without reading it. */
  kind() {
    if (this.left === 0) throw unreadable(ENDS);
    const head = this.#bytes[this.#at];
    const [major, low] = [head >> 5, head & 0x1f];
    if (low >= 28 && low <= 30) throw unreadable('a reserved head');
    if (low === 31) {
      if (major === 7) throw unreadable('a stray break');
      if (major < 2 || major === 6) throw unreadable('an integer or tag of indefinite length');
      throw notConformant('an indefinite length');
    }
    if (major < 7) return ['int', 'int', 'bytes', 'text', 'array', 'map', 'tag'][major];
    if (low === 20 || low === 21) return 'bool';
    if (low === 22) return 'null';
    this.#refuseSimple(low);
  }

  #refuseSimple(low) {
    const needed = { 24: 1, 25: 2, 26: 4, 27: 8 }[low] ?? 0;
    if (this.left - 1 < needed) throw unreadable(ENDS);
    if (low === 24 && this.#bytes[this.#at + 1] <= 31) throw unreadable('an ill-formed simple value');
    throw notConformant('a float, undefined or another simple value');
  }

  /** Reads a head, and with `hasBody` the bytes that it announces; returns [argument as BigInt, body]. */
  #head(hasBody) {
    const low = this.#bytes[this.#at] & 0x1f;
    const size = low < 24 ? 0 : 1 << (low - 24);
    if (this.left < 1 + size) throw unreadable(ENDS);
    const from = this.#at + 1;
    const argument = [
      () => BigInt(low),
      () => BigInt(this.#view.getUint8(from)),
      () => BigInt(this.#view.getUint16(from)),
      () => BigInt(this.#view.getUint32(from)),
      () => this.#view.getBigUint64(from),
    ][low < 24 ? 0 : low - 23]();
    this.#at = from + size;
    let body = EMPTY;
    if (hasBody) {
      if (argument > BigInt(this.left)) throw unreadable(ENDS);
      body = this.#bytes.subarray(this.#at, this.#at + Number(argument));
      this.#at += body.length;
    }
    const least = [0n, 24n, 0x100n, undefined, 0x10000n, undefined, undefined, undefined, 0x100000000n][size];
    if (argument < least) throw notConformant('a head is not in its shortest form');
    return [argument, body];
  }

  #expect(kind, what) {
    const found = this.kind();
    if (found === kind) return;
    // A container that announces more than is left is not well-formed, which ranks before being unexpected.
    const probe = new Reader(this.#bytes.subarray(this.#at));
    if (found === 'array') probe.array();
    if (found === 'map') for (const _ of probe.map()) break;
    if (found === 'bytes') probe.bytes();
    throw notConformant(what);
  }

  #itemDone() {
    if (this.#open.length > 0) this.#open[this.#open.length - 1] -= 1;
    while (this.#open.length > 0 && this.#open.at(-1) <= 0) this.#open.pop();
  }

  #opens(items) {
    if (this.#open.length > 0) this.#open[this.#open.length - 1] -= 1;
    if (this.#open.length === MOST_DEPTH) throw notConformant('nested too deeply');
    this.#open.push(items + 1);
    this.#itemDone();
  }

  #announced(items) {
    if (items > BigInt(this.left)) throw unreadable('more items are announced than bytes are left');
    return Number(items);
  }

  int() {
    this.#expect('int', 'an integer is expected');
    const isNegative = this.#bytes[this.#at] >> 5 === 1;
    const [argument] = this.#head(false);
    const value = isNegative ? -1n - argument : argument;
    if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < -BigInt(Number.MAX_SAFE_INTEGER)) {
      throw notConformant('an integer is beyond 2^53 - 1');
    }
    this.#itemDone();
    return Number(value);
  }

  uint() {
    const value = this.int();
    if (value < 0) throw notConformant('a number is negative');
    return value;
  }

  within(least, most) {
    const value = this.int();
    if (value < least || value > most) throw notConformant('a number is out of range');
    return value;
  }

  /** Seconds since 1970. */
  time() {
    return this.within(0, MOST_TIME);
  }

  bytes() {
    this.#expect('bytes', 'a byte string is expected');
    const [, body] = this.#head(true);
    this.#itemDone();
    return body;
  }

  bytesOf(length) {
    const bytes = this.bytes();
    if (bytes.length !== length) throw notConformant('a byte string has the wrong length');
    return bytes;
  }

  text() {
    this.#expect('text', 'a text is expected');
    const [, body] = this.#head(true);
    const text = decode(body);
    if (text === null) throw notConformant('a text is not UTF-8');
    checkText(text);
    this.#itemDone();
    return text;
  }

  /** A text of 1 to `longest` characters. */
  shortText(longest) {
    const text = this.text();
    if (text === '' || (text.length > longest && [...text].length > longest)) {
      throw notConformant('a text is empty or too long');
    }
    return text;
  }

  bool() {
    this.#expect('bool', 'true or false is expected');
    const value = this.#bytes[this.#at] === 0xf5;
    this.#at += 1;
    this.#itemDone();
    return value;
  }

  /** Whether null was next, which is then read. */
  isNull() {
    if (this.kind() !== 'null') return false;
    this.#at += 1;
    this.#itemDone();
    return true;
  }

  /** Opens an array; returns how many items follow. */
  array() {
    this.#expect('array', 'an array is expected');
    const items = this.#announced(this.#head(false)[0]);
    this.#opens(items);
    return items;
  }

  arrayOf(items) {
    if (this.array() !== items) throw notConformant('an array has the wrong length');
  }

  /** An array of at least `fewest` and at most `most` items, each read by `item`. */
  list(fewest, most, item) {
    const items = this.array();
    if (items < fewest || items > most) throw notConformant('an array has too few or too many items');
    return Array.from({ length: items }, () => item(this));
  }

  /** Yields each key, an integer or a text; the caller reads the value before it goes on. */
  *map() {
    this.#expect('map', 'a map is expected');
    const [pairs] = this.#head(false);
    const items = this.#announced(2n * pairs);
    this.#opens(items);
    let last = EMPTY;
    for (let pair = 0; pair < items / 2; pair += 1) {
      const before = this.#at;
      const kind = this.kind();
      if (kind !== 'int' && kind !== 'text') throw notConformant('a map key is neither integer nor text');
      const key = kind === 'int' ? this.int() : this.text();
      const encoded = this.slice(before);
      if (compare(encoded, last) <= 0) throw notConformant('map keys are doubled or out of order');
      last = encoded;
      yield key;
    }
  }

  *intMap() {
    for (const key of this.map()) {
      if (typeof key !== 'number') throw notConformant('a key is a text where integers are wanted');
      yield key;
    }
  }

  /**
   * A closed map of integers: `members` says how each is read, `required` which must be there.
   * @returns {Object} the values by key.
   */
  closed(members, required) {
    const found = {};
    for (const key of this.intMap()) {
      if (!Object.hasOwn(members, key)) throw notConformant(`a member ${key} that does not belong here`);
      found[key] = members[key](this);
    }
    for (const key of required) {
      if (!Object.hasOwn(found, key)) throw notConformant(`the member ${key} is missing`);
    }
    return found;
  }

  tag(number) {
    this.#expect('tag', 'the tag is missing');
    if (this.#head(false)[0] !== BigInt(number)) throw notConformant('another tag is expected');
    this.#opens(1);
  }

  end() {
    if (this.left > 0) throw notConformant('bytes follow the object');
  }
}
