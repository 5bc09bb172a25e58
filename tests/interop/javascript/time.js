// Times and civil days of China (UTC+8).

const CHINA_S = 8 * 3600;
const DAY_S = 86400;

/** RFC 3339 with +08:00 and whole seconds, as all times are shown (spec/verdict.md §2). */
export function show(time) {
  const iso = new Date((time + CHINA_S) * 1000).toISOString();
  return `${iso.replace(/^\+0*/, '').replace(/\.000Z$/, '')}+08:00`;
}

/** Days since 1970-01-01 of a real day `YYYY-MM-DD`, or null. */
export function day(text) {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || text.startsWith('0000')) return null;
  const date = new Date(`${text}T00:00:00Z`);
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== text) return null;
  return date.getTime() / 1000 / DAY_S;
}

/** The civil day on which this moment falls. */
export const civilDay = (time) => Math.floor((time + CHINA_S) / DAY_S);
