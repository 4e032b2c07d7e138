// The boot as a table of contents. `needs` of each step decide what runs side by side; the list is the order told.

import type { Step } from './step.ts';
import { certificates } from './steps/certificates.ts';
import { readContext, validate } from './steps/context.ts';
import { prepareDirectories } from './steps/directories.ts';
import { awaitFleetApi, awaitRegistration, startFlower } from './steps/flower.ts';
import { planSuperLink, planSuperNode } from './steps/plan.ts';
import { publishSuperLink, publishSuperNode } from './steps/publish.ts';
import { resetAttributes } from './steps/reset-attributes.ts';
import { discoverSuperLink, partition, trust } from './steps/superlink.ts';

const superlink: readonly Step[] = [
  readContext,
  validate,
  resetAttributes,
  prepareDirectories,
  certificates,
  planSuperLink,
  startFlower,
  awaitFleetApi,
  publishSuperLink,
];

const supernode: readonly Step[] = [
  readContext,
  validate,
  resetAttributes,
  prepareDirectories,
  discoverSuperLink,
  trust,
  partition,
  planSuperNode,
  startFlower,
  awaitRegistration,
  publishSuperNode,
];

export const sequenceFor = (role: 'superlink' | 'supernode'): readonly Step[] =>
  role === 'superlink' ? superlink : supernode;
