// What images of this release are built with; what is decided before there is an image (templates, forms) starts here.
import type { ImageFacts, Role } from './variable.ts';

/** The Flower that is baked. */
export const BAKED_FLOWER = '1.39.0';

/** The image of a role as a form assumes it: ML_FRAMEWORK says which framework. */
export const releaseImage = (role: Role): ImageFacts => ({
  role,
  flowerVersion: BAKED_FLOWER,
  framework: role === 'superlink' ? 'none' : 'pytorch',
});
