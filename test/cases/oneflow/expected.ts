// Service templates that people have or may write, and what `lint` says when it is right. What OneFlow says stands in test/opennebula/answers.json.
import type { LintCode } from '../../../src/templates/lint/codes.ts';

export type Worst = 'none' | 'warning' | 'error';

export interface Expected {
  /** What is remarkable about the template. */
  readonly what: string;
  /** The worst severity among the findings. */
  readonly lint: readonly Worst[];
  /** A finding that has to be among them. */
  readonly code?: LintCode;
  /** Why `lint` may find an error although every OneFlow creates and starts it. */
  readonly beyond?: string;
  /** Why the rule is not there yet. The test asks to take this line away as soon as the row holds. */
  readonly notYet?: string;
}

const HARMLESS = ['none', 'warning'] as const;
const REPORTED = ['warning', 'error'] as const;

export const EXPECTED: Readonly<Record<string, Expected>> = {
  'base7.json': { what: 'a small, correct template in the form of 7', lint: ['none'] },
  'inputs-at-service.json': {
    what: 'a small, correct template in the form for all versions: inputs at the service, CONTEXT in the VM template',
    lint: HARMLESS,
  },
  'service-level-both.json': {
    what: 'the same with many inputs',
    lint: HARMLESS,
  },
  'one-form-both.json': {
    what: 'the form for all versions with inputs at the roles, where Sunstone does not ask',
    lint: HARMLESS,
  },
  'wrapper-terraform.json': {
    what: 'the template inside of TEMPLATE.BODY, as Terraform takes it',
    lint: ['none'],
  },
  'context-beside-input.json': {
    what: 'an input and a value in CONTEXT for the same variable: OneFlow 7 takes the input',
    lint: REPORTED,
  },
  'context-unknown-name-7.json': {
    what: 'CONTEXT refers to a name that nobody gives a value: the VM gets an empty one',
    lint: REPORTED,
  },
  'cyclic-parents.json': {
    what: 'each role waits for the other: no VM is ever made',
    lint: ['error'],
  },
  'parent-address.json': {
    what: "the SuperLink's address taken from its VM by OneFlow: the SuperNodes do not ask OneGate then, and have no CA",
    lint: REPORTED,
    code: 'superlink_address_set',
    beyond: 'OneFlow starts it, and every SuperNode ends with ca_missing',
  },
  'start-script-lines-7.json': {
    what: 'a START_SCRIPT of several lines: OneFlow 7 puts a comma behind each and takes ${HOME} out',
    lint: REPORTED,
  },
  'nic-object-7.json': {
    what: 'NIC is an object: OneFlow 7 cannot fill the template in',
    lint: ['error'],
  },
  'nulls-7.json': { what: 'null for what is left out', lint: ['none'] },
  'numbers-as-text.json': {
    what: 'whole numbers as texts',
    lint: ['warning'],
    code: 'cooldown_short',
  },
  'numbers-as-text-too-few.json': {
    what: 'too few SuperNodes, written as text',
    lint: REPORTED,
    code: 'too_few_supernodes',
    beyond: 'OneFlow starts it, and the federation waits for a SuperNode that never comes',
  },
  'expression-text-7.json': {
    what: 'an expression that compares with a text: never true',
    lint: REPORTED,
  },
  'expression-two-signs-7.json': {
    what: 'an expression that OneFlow refuses at create: it needs no rule',
    lint: ['none', ...REPORTED],
  },
  'inputs-for-cli.json': {
    what: 'inputs of four parts, of an unknown type: the command line ends at them',
    lint: REPORTED,
  },
  'number-without-default.json': {
    what: 'a number that may stay empty: with Enter the command line sends no value, and OneFlow refuses that',
    lint: REPORTED,
  },
  'boolean-of-three-parts.json': {
    what: 'a boolean without a default: the command line takes no Enter',
    lint: REPORTED,
  },
  'blanks-and-zero-in-inputs.json': {
    what: 'blanks around the bars, and 0 instead of O: OpenNebula takes both, and so do its own services',
    lint: HARMLESS,
  },
  'preset-with-quotes.json': {
    what: 'quotes in a line of a role: OneFlow 7 turns them into backslashes, and then makes no VM where one is last',
    lint: REPORTED,
  },
  'preset-of-two-lines.json': {
    what: 'a value of two lines: OneFlow 7 cuts it, or makes no VM',
    lint: REPORTED,
  },
  'preset-with-braces.json': { what: '${HOME} in a value: OneFlow takes it out', lint: REPORTED },
  'mixed-form.json': {
    what: 'user_inputs of 7 beside roles in the form of 6, as in the marketplace of OpenNebula 7: 6 asks nothing, and the VMs get the text $NAME',
    lint: ['warning'],
  },
  'input-that-no-role-names.json': {
    what: 'an input that no role names: 7 gives it to every VM, 6 to none',
    lint: REPORTED,
    beyond: 'OneFlow starts it, and on 6 the answers are lost',
  },
  'another-service.json': {
    what: "a service of other software, in the manner of OpenNebula's marketplace",
    lint: HARMLESS,
  },
  'six-on-seven.json': {
    what: 'a CONTEXT block in the form of 6 with inputs: OneFlow 7 cannot fill it in',
    lint: REPORTED,
  },
  'six-comment-bracket.json': { what: 'the same with a ] in a comment, which oned skips', lint: REPORTED },
  'six-one-line.json': {
    what: 'attributes on one line, which is right for oned',
    lint: HARMLESS,
  },
  'six-missing-comma.json': {
    what: 'a comma is missing in CONTEXT: oned makes no VM',
    lint: ['error'],
  },
  'six-without-append.json': {
    what: 'no APPEND: the CONTEXT of the role replaces that of the VM template, whose other entries are lost',
    lint: REPORTED,
  },
};
