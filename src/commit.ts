/**
 * Commits exactly the given paths onto exactly one branch, by the engine of the ledgers. It works in the caller's thread:
 * what it is given are the user's own paths and words, which must stand in no mailbox that can be inspected.
 */
import { realpathSync } from 'node:fs'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { asGiven } from './as-given.ts'
import { checkedOptions, type OptionChecks } from './contracts/values/arguments.ts'
import { isText } from './contracts/values/scalars.ts'
import { createSanitizer } from './events/sanitize.ts'
import { refuseBlocked } from './project/upgrade/gate.ts'
import { gatherLiterals } from './project/literals.ts'
import { locateRepository } from './project/git/locate.ts'
import { isInside } from './project/files/safe-path.ts'
import type { Mission, Placement, Repository } from './project/types.ts'
import { refusal } from './workers/git/ledgers/commit-paths.ts'
import { openLedger } from './workers/git/git-service.ts'
import type { LedgerWarning } from './workers/git/warnings.ts'

/** What may land on a protected branch is said by the caller, never guessed. */
export const CAPABILITIES = [
  'standard',
  'release_flow',
  'upgrade_bookkeeping',
  'merge_bookkeeping',
  'test_mode',
  'post_consolidation_write',
] as const

export type CommitOptions = {
  /** Any folder of the repository. */
  readonly root: string
  /** The top folder of the worktree that has the branch checked out. */
  readonly worktree: string
  /** Short name of a branch. */
  readonly ref: string
  /** Sanitized like whatever goes into a repository from here. */
  readonly message: string
  /** Relative to the worktree, or absolute in it: files, links, folders, and what is gone. */
  readonly paths: readonly string[]
  /** `standard` by default, which lands on no protected branch. */
  readonly capability?: (typeof CAPABILITIES)[number]
}

export type CommitResult = {
  /** 40 hex digits, or 64 in a repository of SHA-256. */
  readonly sha: string
  readonly ref: string
  /** Relative to the worktree. */
  readonly changed_files: readonly string[]
  /** What was put right by the way, or could not be recorded yet. */
  readonly warnings: readonly LedgerWarning[]
}

const MESSAGE_MAX = 64 * 1024

/**
 * Nothing else is touched: neither what is staged, nor the stash, nor a merge under way; hooks are not run.
 *
 * @throws GitError SAFE_COMMIT_DESTINATION_REF_SHAPE, _EMPTY_CHANGESET, _NOT_A_WORKTREE, _HEAD_MISMATCH,
 *   _DESTINATION_NOT_FOUND, _PATH_POLICY (`offending_path`), _PROTECTED_BRANCH, _PATH_CONFLICTED, _LOCKED (retryable),
 *   _MESSAGE, _CAPABILITY, _UNSUPPORTED, _READ_ONLY, _SIGNING_FAILED, _IO_ERROR: none has changed anything, unless its details say
 *   `committed: true` and `sha`; LEDGER_LOCKED; InputError OPTIONS_INVALID; ProjectError NOT_A_REPOSITORY, …; GateError
 */
export async function commit(options: CommitOptions): Promise<CommitResult> {
  // What was checked is what is committed, whatever the caller does to its list meanwhile.
  const { paths, ...given } = checkedOptions<CommitOptions>(asGiven(options), CHECKS, NEEDED)
  const { root, worktree, ref, message, capability = 'standard' } = given
  checkShape({ ...given, paths })
  const repository = await locateRepository(root)
  await refuseBlocked(repository)
  const place = await worktreeOf(repository, worktree)
  const literals = await gatherLiterals(repository)
  const clean = createSanitizer(literals).sanitize(message).value as string
  const ledger = openLedger({ repository, literals })
  const made = await ledger.commitPaths({
    placement: { ...place, ref: `refs/heads/${ref}` },
    paths: paths.map((path) => insideOf(place.worktree, worktree, path)),
    message: clean,
    mayLandOnProtected: capability !== 'standard',
  })
  return { sha: made.sha, ref, changed_files: made.changed_files, warnings: ledger.takeWarnings() }
}

/** What has an error of its own is told by it. */
const CHECKS: OptionChecks<CommitOptions> = {
  root: isText,
  worktree: isText,
  ref: () => true,
  message: () => true,
  paths: () => true,
  capability: () => true,
}

const NEEDED = ['root', 'worktree'] as const

function checkShape({ ref, message, paths, capability = 'standard' }: CommitOptions): void {
  if (typeof ref !== 'string' || ref.startsWith('refs/') || ref === '') {
    throw refusal('DESTINATION_REF_SHAPE', 'The short name of a branch is expected.', {
      hint: 'For example `main`, without `refs/heads/`.',
    })
  }
  if (!Array.isArray(paths) || paths.length === 0 || !paths.every(isText)) {
    throw refusal('EMPTY_CHANGESET', 'At least one path is expected.', {
      hint: 'Name what to commit.',
    })
  }
  if (
    !isText(message) ||
    message.trim() === '' ||
    message.length > MESSAGE_MAX ||
    message.includes('\0')
  ) {
    throw refusal('MESSAGE', `A message of 1 to ${MESSAGE_MAX} characters is expected.`, {
      hint: 'Say in a line what the commit does.',
    })
  }
  if (!CAPABILITIES.includes(capability)) {
    throw refusal('CAPABILITY', 'The capability is not one of the list.', {
      hint: `One of ${CAPABILITIES.join(', ')}.`,
    })
  }
}

/** The worktree as the engine takes it; a commit by paths belongs to no mission. */
async function worktreeOf(repository: Repository, given: string): Promise<Omit<Placement, 'ref'>> {
  const own = await locateRepository(given).catch(() => null)
  const real = realOrNull(given)
  if (own === null || own.commonDir !== repository.commonDir || own.worktree !== real) {
    throw refusal(
      'NOT_A_WORKTREE',
      'The top folder of a worktree of this repository is expected.',
      {
        hint: 'See `git worktree list`.',
      },
    )
  }
  const { worktree, gitDir, commonDir } = own
  return { mission: NO_MISSION, worktree, gitDir, commonDir, missionPath: worktree }
}

const NO_MISSION: Mission = {
  directory: '',
  mission_id: '',
  slug: '',
  topology: 'single_branch',
  target_branch: '',
  coordination_branch: null,
}

function realOrNull(path: string): string | null {
  try {
    return realpathSync(path)
  } catch {
    return null
  }
}

/** With `/`, as git writes it. What leads outside is refused by its name. */
function insideOf(worktree: string, given: string, path: string): string {
  if (!isAbsolute(path)) return path.split(sep).join('/').replace(/\/+$/, '') || '.'
  for (const base of [worktree, resolve(given)]) {
    if (isInside(base, path)) return relative(base, path).split(sep).join('/') || '.'
  }
  return '..'
}
