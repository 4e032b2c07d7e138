// What images of this release are built with; what is decided before there is an image (templates, forms) starts here.
import type { Role } from '../core/role.ts';
import type { ImageFacts } from './variable.ts';

/** The Flower that is baked. */
export const BAKED_FLOWER = '1.39.0';

/** The image of a role, where there is no image to look at: the one that is built when nobody asks for a framework. */
export const releaseImage = (role: Role): ImageFacts => ({
  role,
  flowerVersion: BAKED_FLOWER,
  framework: 'none',
});

/** The apps of the package: folders of /usr/share/flower-context/apps. */
export const APPS: readonly string[] = ['quickstart'];

export const hasApp = (name: string): boolean => APPS.includes(name);
