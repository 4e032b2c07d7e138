// Error codes of the operating system as clauses for a person.
import { plain } from '../core/text.ts';

/** Of a connection to an address of a kind that this machine does not have, such as IPv4. */
export const NO_ROUTE = 'no route to the network';

const MEANING: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused: nothing listens there',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: NO_ROUTE,
  EADDRNOTAVAIL: NO_ROUTE,
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
