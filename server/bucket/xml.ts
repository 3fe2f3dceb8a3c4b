/** The little of XML that S3's answers need. What is not there is undefined; nothing is believed but text. */

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** The text of the first such element. */
export function textOf(xml: string, name: string): string | undefined {
  return textsOf(xml, name).next().value;
}

/** What stands in each such element, elements inside it included. */
export function* elementsOf(xml: string, name: string): Generator<string, undefined> {
  const open = new RegExp(`<${name}(?:\\s[^>]*)?>`, "g"), close = `</${name}>`;
  for (let found = open.exec(xml); found !== null; found = open.exec(xml)) {
    const from = found.index + found[0].length, to = xml.indexOf(close, from);
    if (to < 0) return;
    yield xml.slice(from, to);
    open.lastIndex = to + close.length;
  }
}

function* textsOf(xml: string, name: string): Generator<string, undefined> {
  for (const text of elementsOf(xml, name)) {
    yield text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w{1,4}));/g, (whole, decimal, hex, named) => {
      if (named !== undefined) return ENTITIES[named] ?? whole;
      const code = decimal === undefined ? parseInt(hex, 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    });
  }
}
