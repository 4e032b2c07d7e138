// The CONTEXT of a raw VM template: CONTEXT=[ A="1", B="2" ], as vm_template_contents of OneFlow 6 holds it.

/** Names and values in order; a quote inside a value is written \". Later blocks add to earlier ones. */
export function contextBlock(text: string): [name: string, value: string][] {
  const found: [string, string][] = [];
  for (const block of blocksOf(text)) {
    for (const [, name, quoted, bare] of block.matchAll(PAIR)) {
      found.push([name!.toUpperCase(), quoted === undefined ? bare!.trim() : quoted.replaceAll('\\"', '"')]);
    }
  }
  return found;
}

const PAIR = /([A-Za-z0-9_]+)\s*=\s*(?:"((?:[^"\\]|\\[\s\S])*)"|([^",\]]*))/g;

const BLOCK = /(?:^|\n)[ \t]*CONTEXT\s*=\s*\[((?:[^"\]]|"(?:[^"\\]|\\[\s\S])*")*)\]/gi;

const blocksOf = (text: string): string[] => [...text.matchAll(BLOCK)].map((found) => found[1]!);
