// The contents of the images of this release, for templates and forms, which exist before an image.
import type { Role } from '../core/role.ts';
import { BAKED_FLOWER } from './locked.ts';
import type { ImageFacts } from './variable.ts';

/** The default image of a role: the one without a framework. */
export const releaseImage = (role: Role): ImageFacts => ({
  role,
  flowerVersion: BAKED_FLOWER,
  framework: 'none',
});

/** The apps of the package: folders of /usr/share/flower-context/apps. */
export const APPS: readonly string[] = ['quickstart'];

export const hasApp = (name: string): boolean => APPS.includes(name);
