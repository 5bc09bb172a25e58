// One whole zlib stream (RFC 1950), bounded while it inflates.
//
// Of Node's own library: a browser would use DecompressionStream, which does not tell where a stream ends.

import { inflateSync } from 'node:zlib';

/** @returns {Uint8Array | 'TOO_LONG' | null} the bytes; null if it is no stream, one that is cut, or bytes follow it. */
export function inflate(stream, cap) {
  try {
    const { buffer, engine } = inflateSync(stream, { maxOutputLength: cap, info: true });
    return engine.bytesWritten === stream.length ? new Uint8Array(buffer) : null;
  } catch (error) {
    return error.code === 'ERR_BUFFER_TOO_LARGE' ? 'TOO_LONG' : null;
  }
}
