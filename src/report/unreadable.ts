// What a file of the agent holds that this version of it cannot read.
import * as z from 'zod';
import { parseJson } from '../core/json.ts';
import { Problem } from '../core/problem.ts';
import { plain } from '../core/text.ts';

const anyVersion = z.lazy(() => z.object({ version: z.union([z.number(), z.string()]) }));

/** A file of this agent that is damaged, or that another version of it wrote. */
export function unreadable(path: string, text: string, what: string): Problem {
  const version = parseJson(text, anyVersion)?.version;
  const other = version === undefined || version === 1 ? undefined : plain(String(version), 20);
  return new Problem('state_damaged', {
    doing: `reading ${what} in ${path}`,
    found:
      other === undefined
        ? `${text.length} characters that are not ${what} of the agent`
        : `it has the format ${other}, which another version of the agent writes`,
    expected: 'the format 1',
    remedy: 'the agent writes it again: `systemctl restart flower-context`',
  });
}
