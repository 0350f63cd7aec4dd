/** Makes a mission: a name that nobody has, a branch with its worktree, and `meta.json`. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ulid } from 'ulid'
import { GitError, ProjectError, systemCode } from '../../errors.ts'
import { syncFolder } from '../files/durable-file.ts'
import { makeFolders } from '../files/make-folders.ts'
import { META_NAME, newMeta } from './mission-meta.ts'
import { missionNames, missionSlug, MISSIONS_FOLDER, WORKTREES_FOLDER } from './mission-names.ts'
import type { MissionNames } from './mission-names.ts'
import { checkFormat, targetOf } from './mission-target.ts'
import type { Target } from './mission-target.ts'
import { missionFolders } from './missions.ts'
import { resolvePlacement } from './placement.ts'
import { isProtectedBranch, protectedBranches } from '../git/protection.ts'
import { asProjectError, replaceFile } from '../files/replace-file.ts'
import { pathWithoutLinks, refuseFile } from '../files/safe-path.ts'
import type { Mission, Placement, Repository } from '../types.ts'
import { addWorktree, removeWorktree } from './worktree-add.ts'

export type NewMission = {
  readonly slug: string
  readonly topology: 'coord' | 'single_branch'
  /** Short branch name; the branch that is checked out by default. */
  readonly target?: string
}

export type CreatedMission = Mission & {
  /** Short name of the branch that holds the ledger. */
  readonly branch: string
  /** Real path of the checkout that has it. */
  readonly worktree: string
}

const NAME_ATTEMPTS_MAX = 64
/** Two ids of one slug within this time would share their first eight characters. */
const MID8_PERIOD_MS = 1024

/**
 * Makes a mission: its branch and worktree first, `meta.json` last, and no commit. A crash in
 * between leaves a branch that no mission names, and the next call takes another name.
 *
 * @throws InputError MISSION_SLUG, BRANCH_NAME; GitError UNBORN_BRANCH, DETACHED_HEAD,
 *   BRANCH_NOT_FOUND, PROTECTED_BRANCH, HEAD_MISMATCH, REPOSITORY_UNSUPPORTED, GIT_*; ProjectError
 *   PATH_REFUSED, REPOSITORY_READ_ONLY, WRITE_FAILED, MISSION_NAME_TAKEN
 */
export async function createMission(
  repository: Repository,
  wanted: NewMission,
): Promise<CreatedMission> {
  const slug = missionSlug(wanted.slug)
  checkFormat(repository)
  const target = targetOf(repository, wanted.target)
  const ref = `refs/heads/${target.branch}`
  if (
    wanted.topology === 'single_branch' &&
    isProtectedBranch(ref, protectedBranches(repository))
  ) {
    throw new GitError(
      'PROTECTED_BRANCH',
      'a mission on a single branch needs one that is not protected',
      {
        hint: 'Switch to a branch of your own, or leave out `--topology single_branch`.',
      },
    )
  }
  pathWithoutLinks(repository.root, [MISSIONS_FOLDER])
  refuseFile(repository.root, MISSIONS_FOLDER)
  if (wanted.topology === 'coord') refuseFile(repository.root, WORKTREES_FOLDER)
  const now = new Date()
  for (let attempt = 0; attempt < NAME_ATTEMPTS_MAX; attempt++) {
    const missionId = ulid(now.getTime() + attempt * MID8_PERIOD_MS)
    const names = missionNames(slug, missionId)
    const mission: Mission = {
      directory: names.directory,
      mission_id: missionId,
      slug,
      topology: wanted.topology,
      target_branch: target.branch,
      coordination_branch: wanted.topology === 'coord' ? names.branch : null,
    }
    const placement = await tryCreate(repository, mission, { names, target, now })
    if (placement === null) continue
    const branch = mission.coordination_branch ?? target.branch
    return { ...mission, branch, worktree: placement.worktree }
  }
  throw new ProjectError('MISSION_NAME_TAKEN', 'too many missions of this slug are being made', {
    hint: 'Wait a moment, or take another slug.',
    retryable: true,
  })
}

type Making = { readonly names: MissionNames; readonly target: Target; readonly now: Date }

// Null where the name is taken.
async function tryCreate(
  repository: Repository,
  mission: Mission,
  { names, target, now }: Making,
): Promise<Placement | null> {
  const specs = join(repository.root, MISSIONS_FOLDER)
  if (missionFolders(specs).includes(mission.directory)) return null
  const added = { folder: names.worktreeFolder, branch: names.branch, oid: target.oid }
  const hasWorktree = mission.coordination_branch !== null
  if (hasWorktree && (await addWorktree(repository, added)) === 'taken') return null
  try {
    const placement = await resolvePlacement(repository, mission)
    if (claimFolder(repository.root, mission.directory)) {
      writeMeta(repository, mission, now)
      return placement
    }
  } catch (error) {
    if (hasWorktree) await removeWorktree(repository, added)
    throw error
  }
  if (hasWorktree) await removeWorktree(repository, added)
  return null
}

// The folder is what two processes without a branch of their own compete for.
function claimFolder(root: string, directory: string): boolean {
  const specs = join(root, MISSIONS_FOLDER)
  try {
    makeFolders(specs)
    mkdirSync(join(specs, directory))
    for (const folder of [root, specs]) syncFolder(folder)
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw asProjectError(error)
  }
}

function writeMeta({ root }: Repository, mission: Mission, now: Date): void {
  const folders = [MISSIONS_FOLDER, mission.directory]
  try {
    const text = newMeta(mission, now)
    replaceFile({ root, folders, name: META_NAME }, { text, mode: 0o644 })
  } catch (error) {
    rmSync(join(root, ...folders), { recursive: true, force: true })
    throw error
  }
}
