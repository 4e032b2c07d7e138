// Error codes of the operating system as clauses for a person.
import { plain } from '../core/text.ts';

const MEANING: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused: nothing listens there',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  EADDRNOTAVAIL: 'no route to the network',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name could not be looked up now',
  ETIMEDOUT: 'the connection was not answered',
  ECONNRESET: 'the connection was reset',
  ENOSPC: 'the disk is full (ENOSPC)',
  EDQUOT: 'the disk quota is used up (EDQUOT)',
  EROFS: 'the file system is read-only (EROFS)',
  EACCES: 'permission denied (EACCES)',
  EPERM: 'not permitted (EPERM)',
  EIO: 'the disk reports an error (EIO)',
  ENOTDIR: 'a part of the path is not a folder (ENOTDIR)',
  EISDIR: 'it is a folder (EISDIR)',
};

export const errorCode = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown error';

/** What the code of an error means; the code itself, or the error's message, when it is another one. */
export function describeError(error: unknown): string {
  const { code, message } = error as Partial<NodeJS.ErrnoException>;
  return code === undefined ? plain(message ?? 'unknown error') : (MEANING[code] ?? code);
}
