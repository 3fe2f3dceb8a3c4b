/**
 * The values of If-Match to try for a PATCH, in this order; undefined: without the header. DSP0266 lets a service
 * require it (428), and services disagree about what matches (412):
 *
 * - Lenovo XCC and AMI demand one (ansible/ansible#56150, stmcginnis/gofish#171)
 * - some take only the strong form of a weak ETag (openstack/sushy, fix-return-full-weak-etag)
 * - some send an empty one, or one quoted twice, and refuse both (openstack/sushy, ignore-empty-string-etags;
 *   ansible-collections/community.general#3268)
 * - some refuse their own (openstack/sushy, fix-missing-etags)
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(ifMatchValues(['W/"5"']), ['W/"5"', '"5"', undefined, "*"]);
 * assert.deepEqual(ifMatchValues(['""']), [undefined, "*"]);
 * ```
 */
export function ifMatchValues(etags: readonly (string | undefined)[]): (string | undefined)[] {
  const given = etags.filter((etag) => etag !== undefined).map((etag) => etag.replace(/^""(.+)""$/, '"$1"'))
    .filter((etag) => !/^(W\/)?"?"?$/.test(etag) && /^[\x21-\x7e]{1,200}$/.test(etag));
  const strong = given.map((etag) => etag.replace(/^W\//, ""));
  return [...new Set([...given, ...strong, undefined, "*"])];
}
