// A CONTEXT as JSON: what `onevm show --json` and `onetemplate show --json` print, or an object NAME -> value.
import { Problem } from '../core/problem.ts';
import { quoteName } from '../core/text.ts';

/**
 * The variables, as an object without a prototype. null is the empty text; of several CONTEXT blocks the first that has a
 * name decides.
 * @throws Problem context_unreadable
 */
export function parseContextJson(text: string): Record<string, string> {
  const document = objectIn(text);
  if (Array.isArray(document['roles']) || 'DOCUMENT' in document)
    throw unreadable('it is a service template (`flower-context lint` reads those)');
  const shown = [document['VM'], document['VMTEMPLATE'], document].find(isObject)!;
  const template = isObject(shown['TEMPLATE']) ? shown['TEMPLATE'] : shown;
  const context = template['CONTEXT'] ?? (template === document ? document : undefined);
  const blocks = Array.isArray(context) ? context : [context];
  if (!blocks.every(isObject)) throw unreadable('there is no TEMPLATE.CONTEXT in it');
  const variables: Record<string, string> = Object.create(null);
  for (const [name, value] of blocks.toReversed().flatMap((block) => Object.entries(block))) {
    if (typeof value === 'object' && value !== null) throw unreadable(`${quoteName(name)} is not a text`);
    variables[name] = String(value ?? '');
  }
  return variables;
}

function objectIn(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unreadable('it begins like JSON, but is none');
  }
  if (isObject(value)) return value;
  throw unreadable('it is a JSON list, not an object');
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const unreadable = (found: string): Problem =>
  new Problem('context_unreadable', {
    doing: 'reading the variables of the file',
    found,
    expected: 'what `onevm show --json` prints, or a JSON object NAME -> value',
  });
