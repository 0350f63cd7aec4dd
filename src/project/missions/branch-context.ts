/** Where one stands and where the work goes: what agents and templates ask before they plan. Reads only. */
import { GitError, InputError } from '../../errors.ts'
import { CONTRACT_VERSION } from '../contract-version.ts'
import { defaultRemoteBranches, isBranchName, readHead, readRef } from '../git/git-files.ts'
import type { Repository } from '../types.ts'

/** The keys of the contract; those in capitals repeat others, for templates. */
export type BranchContext = Readonly<Record<string, unknown>>

type Branches = {
  readonly current: string
  readonly target: string
  readonly primary: string | null
}

const HEADS = 'refs/heads/'
/** Where no remote says which branch is the first. */
const USUAL_PRIMARIES = ['main', 'master']

/**
 * `wanted` is the short name of the target branch; by default the one that is checked out.
 *
 * @throws GitError DETACHED_HEAD; InputError BRANCH_NAME, BRANCH_UNKNOWN
 */
export function branchContext(
  { root, gitDir, commonDir }: Repository,
  wanted: string | null,
  now: Date,
): BranchContext {
  const { ref } = readHead(gitDir, commonDir)
  if (ref === null || !ref.startsWith(HEADS)) throw detached()
  const current = ref.slice(HEADS.length)
  const named = wanted?.trim() ?? ''
  if (named !== '' && !isBranchName(named)) {
    throw new InputError('BRANCH_NAME', '--target-branch is the short name of a branch')
  }
  const target = named === '' ? current : named
  if (target !== current && !isThere(commonDir, target)) throw noBranch()
  const branches = { current, target, primary: primaryBranch(commonDir, current) }
  const shared = sharedFields(branches)
  const time = now.toISOString().replace(/\.\d{3}Z$/, 'Z')
  return {
    result: 'success',
    repo_root: root,
    target_branch_source: named === '' ? 'current_branch' : 'cli_arg',
    ...shared,
    ...inCapitals(shared),
    ...inCapitals({ expected_target_branch: target, expected_base_branch: target }),
    ...inCapitals({ now_utc_iso: time }),
    ...recommendation(branches),
    runtime_vars: { now_utc_iso: time, ...shared },
    branch_context: nested(branches),
    next_step: nextStep(branches),
    spec_kitty_version: CONTRACT_VERSION,
  }
}

function sharedFields({ current, target }: Branches) {
  return {
    current_branch: current,
    target_branch: target,
    base_branch: target,
    planning_base_branch: target,
    merge_target_branch: target,
    branch_matches_target: current === target,
    branch_strategy_summary: summaryOf(current, target),
  }
}

function nested(branches: Branches) {
  const { current, target } = branches
  const { branch_matches_target: matches, ...shared } = sharedFields(branches)
  const { branch_recommendation_reason: reason, ...advice } = adviceOf(branches)
  return {
    ...shared,
    expected_checkout_branch: target,
    matches_target: matches,
    ...(branches.primary === null
      ? {
          primary_branch: null,
          current_is_primary: false,
          recommended_strategy: null,
          reason: null,
        }
      : {
          ...advice,
          primary_branch: branches.primary,
          current_is_primary: current === branches.primary,
          reason,
        }),
  }
}

/** Nothing where it is not known which branch is the first. */
function recommendation(branches: Branches): BranchContext {
  if (branches.primary === null) return {}
  const { branch_recommendation_reason, ...advice } = adviceOf(branches)
  return { ...advice, ...inCapitals(advice), branch_recommendation_reason }
}

function adviceOf({ current, primary }: Branches) {
  const isPrimary = current === primary
  return {
    primary_branch: primary,
    current_is_primary: isPrimary,
    recommended_strategy: isPrimary ? 'feature-branch' : 'stay',
    branch_recommendation_reason: isPrimary
      ? `${current} is the primary branch: work that is planned here belongs on a branch of its own`
      : `${current} is not the primary branch: the work can stay on it`,
  }
}

function summaryOf(current: string, target: string): string {
  return current === target
    ? `Planned on ${target}, and merged into ${target}.`
    : `Planned on ${target} and merged into ${target}; ${current} is checked out.`
}

function nextStep({ current, target }: Branches): string {
  return current === target
    ? 'Go on with the plan.'
    : `Check out ${target}, then go on with the plan.`
}

/** What the remotes call their first branch, where they agree; else the usual name that is there. */
function primaryBranch(commonDir: string, current: string): string | null {
  const names = new Set(defaultRemoteBranches(commonDir))
  const [first] = names
  if (names.size === 1 && first !== undefined) return first
  return USUAL_PRIMARIES.find((name) => name === current || isThere(commonDir, name)) ?? null
}

function isThere(commonDir: string, name: string): boolean {
  return readRef(commonDir, `${HEADS}${name}`).state !== 'absent'
}

function noBranch(): InputError {
  return new InputError('BRANCH_UNKNOWN', 'this repository has no branch of that name', {
    hint: 'Name one that `git branch` lists; `git switch NAME` makes a local one of a remote one.',
  })
}

function inCapitals(fields: Readonly<Record<string, unknown>>): BranchContext {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key.toUpperCase(), value]),
  )
}

function detached(): GitError {
  return new GitError('DETACHED_HEAD', 'a branch that is checked out is expected', {
    hint: 'Check one out with `git switch`.',
  })
}
