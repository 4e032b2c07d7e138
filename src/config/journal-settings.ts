// What the journal has to know before the CONTEXT is checked: its first line already follows it.
import { lookUp } from './given.ts';
import { SERVICE } from './table/service.ts';

/** Level and format of the agent's journal. Other variables may be wrong; a wrong value of these two is the default. */
export const journalSettings = (variables: Readonly<Record<string, string>>) =>
  ({ level: read(variables, 'FL_LOG_LEVEL'), format: read(variables, 'FL_LOG_FORMAT') }) as const;

function read<Name extends 'FL_LOG_LEVEL' | 'FL_LOG_FORMAT'>(
  variables: Readonly<Record<string, string>>,
  name: Name,
): ReturnType<(typeof SERVICE)[Name]['schema']['parse']> {
  const { schema, default: otherwise } = SERVICE[name];
  const { success, data } = schema.safeParse(lookUp(variables, name).found?.text);
  return (success ? data : otherwise) as ReturnType<(typeof SERVICE)[Name]['schema']['parse']>;
}
