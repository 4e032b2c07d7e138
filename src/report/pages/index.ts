// The page of each problem code, beside the catalogue's title and remedy. The compiler holds it complete.
import type { ProblemCode } from '../../core/catalogue.ts';
import { CONTEXT_PAGES } from './context.ts';
import { FEDERATION_PAGES } from './federation.ts';
import type { Page } from './page.ts';
import { TRUST_PAGES } from './trust.ts';

export type { Page } from './page.ts';

export const PAGES: Readonly<Record<ProblemCode, Page>> = {
  ...CONTEXT_PAGES,
  ...TRUST_PAGES,
  ...FEDERATION_PAGES,
};
