// Service templates that people have or can write, and the correct result of `lint`. test/opennebula/answers.json has what OneFlow does with them.
import type { LintCode } from '../../../src/templates/lint/codes.ts';

export type Worst = 'none' | 'warning' | 'error';

export interface Expected {
  /** What is special about the template. */
  readonly what: string;
  /** The worst severity among the findings. */
  readonly lint: readonly Worst[];
  /** A finding that must be among them. */
  readonly code?: LintCode;
  /** Why `lint` reports an error although every OneFlow creates and starts it. */
  readonly beyond?: string;
  /** Why the rule does not exist yet. The test fails as soon as the row holds, so that this line is removed. */
  readonly notYet?: string;
}

const HARMLESS = ['none', 'warning'] as const;
const REPORTED = ['warning', 'error'] as const;

export const EXPECTED: Readonly<Record<string, Expected>> = {
  'base7.json': { what: 'a small, correct template in the format of 7', lint: ['none'] },
  'inputs-at-service.json': {
    what: 'a small, correct template in the format for all versions: inputs at the service, CONTEXT in the VM template',
    lint: HARMLESS,
  },
  'service-level-both.json': {
    what: 'the same with many inputs',
    lint: HARMLESS,
  },
  'one-form-both.json': {
    what: 'the format for all versions with inputs at the roles, which Sunstone does not show',
    lint: HARMLESS,
  },
  'wrapper-terraform.json': {
    what: 'the template in TEMPLATE.BODY, as Terraform takes it',
    lint: ['none'],
  },
  'context-beside-input.json': {
    what: 'an input and a value in CONTEXT for the same variable: OneFlow 7 takes the input',
    lint: REPORTED,
  },
  'context-unknown-name-7.json': {
    what: 'CONTEXT refers to a name without a value: the VM gets an empty value',
    lint: REPORTED,
  },
  'cyclic-parents.json': {
    what: 'each role waits for the other: OneFlow never creates a VM',
    lint: ['error'],
  },
  'parent-address.json': {
    what: 'OneFlow takes the address of the SuperLink from its VM: the SuperNodes then do not read OneGate and have no CA',
    lint: REPORTED,
    code: 'superlink_address_set',
    beyond: 'OneFlow starts it, and every SuperNode fails with ca_missing',
  },
  'start-script-lines-7.json': {
    what: 'a START_SCRIPT of several lines: OneFlow 7 adds a comma to each and removes ${HOME}',
    lint: REPORTED,
  },
  'nic-object-7.json': {
    what: 'NIC is an object: OneFlow 7 cannot generate the VM template',
    lint: ['error'],
  },
  'nulls-7.json': { what: 'null for absent members', lint: ['none'] },
  'numbers-as-text.json': {
    what: 'whole numbers as texts',
    lint: ['warning'],
    code: 'cooldown_short',
  },
  'numbers-as-text-too-few.json': {
    what: 'too few SuperNodes, as text',
    lint: REPORTED,
    code: 'too_few_supernodes',
    beyond: 'OneFlow starts it, and the federation waits for a SuperNode that does not exist',
  },
  'expression-text-7.json': {
    what: 'an expression that compares a text: never true',
    lint: REPORTED,
  },
  'expression-two-signs-7.json': {
    what: 'an expression that OneFlow refuses at create: it needs no rule',
    lint: ['none', ...REPORTED],
  },
  'inputs-for-cli.json': {
    what: 'inputs of four parts, of an unknown type: the command line stops at them',
    lint: REPORTED,
  },
  'number-without-default.json': {
    what: 'a number without a default: with Enter the command line sends no value, and OneFlow refuses that',
    lint: REPORTED,
  },
  'boolean-of-three-parts.json': {
    what: 'a boolean without a default: the command line does not accept Enter',
    lint: REPORTED,
  },
  'blanks-and-zero-in-inputs.json': {
    what: 'blanks around the bars, and 0 instead of O: OpenNebula accepts both, and its own services have them',
    lint: HARMLESS,
  },
  'preset-with-quotes.json': {
    what: 'quotes in a line of a role: OneFlow 7 turns them into backslashes, and creates no VM where a quote is the last character',
    lint: REPORTED,
  },
  'preset-of-two-lines.json': {
    what: 'a value of two lines: OneFlow 7 cuts it, or creates no VM',
    lint: REPORTED,
  },
  'preset-with-braces.json': { what: '${HOME} in a value: OneFlow removes it', lint: REPORTED },
  'mixed-form.json': {
    what: 'user_inputs of 7 beside roles in the format of 6, as in the marketplace of OpenNebula 7: 6 shows no input, and the VMs get the text $NAME',
    lint: ['warning'],
  },
  'input-that-no-role-names.json': {
    what: 'an input that no role refers to: 7 writes it into every VM, 6 into none',
    lint: REPORTED,
    beyond: 'OneFlow starts it, and on 6 the answers are lost',
  },
  'another-service.json': {
    what: 'a service of other software, in the style of the OpenNebula marketplace',
    lint: HARMLESS,
  },
  'six-on-seven.json': {
    what: 'a CONTEXT block in the format of 6 with inputs: OneFlow 7 cannot put inputs into it',
    lint: REPORTED,
  },
  'six-comment-bracket.json': { what: 'the same with a ] in a comment, which oned skips', lint: REPORTED },
  'six-one-line.json': {
    what: 'attributes on one line, which oned accepts',
    lint: HARMLESS,
  },
  'six-missing-comma.json': {
    what: 'a comma is missing in CONTEXT: oned creates no VM',
    lint: ['error'],
  },
  'six-without-append.json': {
    what: 'no APPEND: the CONTEXT of the role replaces that of the VM template',
    lint: REPORTED,
  },
};
