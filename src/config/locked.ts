// Made by `make generate` from appliance/flower: the names of the locks, and the file `baked`. Changes here are lost.

/** The versions of Flower that can be installed, oldest first. */
export const LOCKED_FLOWER: readonly string[] = [
  '1.31.0',
  '1.32.0',
  '1.32.1',
  '1.33.0',
  '1.34.0',
  '1.35.0',
  '1.36.0',
  '1.37.0',
  '1.38.0',
  '1.39.0',
  '1.40.0',
  '1.41.0',
  '1.42.0',
];

/** The version in the images of this release. */
export const BAKED_FLOWER = '1.39.0';
