// What kind of file was presented, by its first bytes (spec/verify.md §6).

import { contains, startsWith, utf8 } from './bytes.js';

const bytes = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const HEIF = ['HEIC/HEIF 图片', 'HEIC/HEIF picture'];
const TIFF = ['TIFF 图片', 'TIFF picture'];
const UTF16 = ['UTF-16 文本', 'UTF-16 text'];

/** Place, bytes, words. */
const MAGIC = [
  [0, '\xff\xd8\xff', ['JPEG 图片', 'JPEG picture']],
  [0, '\x89PNG\r\n\x1a\n', ['PNG 图片', 'PNG picture']],
  [0, 'GIF8', ['GIF 图片', 'GIF picture']],
  [0, 'II*\0', TIFF],
  [0, 'MM\0*', TIFF],
  [0, '%PDF-', ['PDF 文件', 'PDF document']],
  [0, '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', ['旧版 Office 文件', 'document of an old office program']],
  [0, '\x1f\x8b\x08', ['GZIP 压缩文件', 'GZIP archive']],
  [0, 'Rar!\x1a\x07', ['RAR 压缩文件', 'RAR archive']],
  [0, '7z\xbc\xaf\x27\x1c', ['7z 压缩文件', '7z archive']],
  [0, '\xff\xfe', UTF16],
  [0, '\xfe\xff', UTF16],
  ...['heic', 'heix', 'heim', 'hevc', 'mif1', 'msf1', 'avif'].map((brand) => [4, `ftyp${brand}`, HEIF]),
].map(([place, magic, words]) => [place, bytes(magic), words]);

/** Media types of our own objects, with the words for them. Those of licences and views say nothing wrong. */
const OWN = [
  ['elicence+cwt', null],
  ['elicence-view+cwt', null],
  ['statuslist+cwt', ['状态列表', 'status list']],
  ['elicence-receipt+cwt', ['核验回执', 'receipt of a verification']],
  ['elicence-catalogue+cbor', ['目录', 'catalogue']],
  ['elicence-catalogue-approval+cbor', ['目录', 'catalogue']],
  ...['root', 'list', 'timestamp'].map((file) => [`elicence-${file}+cbor`, ['信任文件', 'trust file']]),
].map(([typ, words]) => [utf8(`application/${typ}`), words]);

const beginsLikeCose = (presented) => [4, 6].includes((presented[0] ?? 0) >> 5);

/** Whether bytes that break the profile are nevertheless one of our objects. */
export const isOneOfOurs = (presented) =>
  beginsLikeCose(presented) && (contains(presented, utf8('urn:elic:')) || OWN.some(([typ]) => contains(presented, typ)));

/** @returns {{isOwn: boolean, zh: string, en: string} | null} what it is, if that is anything but a licence or a view. */
export function kindOf(presented) {
  const other = ([zh, en]) => ({ isOwn: false, zh, en });
  const at = (place, wanted) => startsWith(presented, bytes(wanted), place);
  const magic = MAGIC.find(([place, wanted]) => startsWith(presented, wanted, place));
  if (magic !== undefined) return other(magic[2]);
  if (at(0, 'PK\x03\x04') || at(0, 'PK\x05\x06')) {
    const isOfd = contains(presented.subarray(0, 4096), utf8('OFD.xml'));
    return other(isOfd ? ['OFD 文件', 'OFD document'] : ['ZIP 文件（DOCX、XLSX 等也是）', 'ZIP file (DOCX, XLSX and others are too)']);
  }
  if (at(0, 'RIFF') && at(8, 'WEBP')) return other(['WebP 图片', 'WebP picture']);
  if (at(0, 'BM') && at(6, '\0\0\0\0')) return other(['BMP 图片', 'BMP picture']);
  if (beginsLikeCose(presented)) {
    const words = OWN.find(([typ]) => contains(presented.subarray(0, 128), typ))?.[1] ?? null;
    return words === null ? null : { isOwn: true, zh: words[0], en: words[1] };
  }
  if (presented[0] >> 5 === 5 && contains(presented, utf8('trust/root_1.cbor'))) return { isOwn: true, zh: '离线包', en: 'offline bundle' };
  const text = String.fromCharCode(...presented.subarray(0, 4096)).replace(/^[\t\n\f\r ]+/, '').toLowerCase();
  if (text.startsWith('<!doctype html') || text.startsWith('<html')) return other(['网页（HTML）', 'HTML page']);
  return text.startsWith('<?xml') ? other(['XML 文件', 'XML document']) : null;
}
