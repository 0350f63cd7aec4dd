/** How the tests of the commit engine ask for a commit. */
import { commitPaths } from '#dist/workers/git/commit/commit.js'
import type { CommitHooks, CommitOutcome } from '#dist/workers/git/commit/commit-request.js'
import { withRepositoryLock } from '#dist/project/git/repository-lock.js'
import { LEDGER } from './git-repository.ts'
import type { Placement } from './git-repository.ts'

export const AUTHOR = { name: 'Kittiwake', email: 'kittiwake@localhost.invalid' }

export type Asked = {
  readonly paths?: readonly string[]
  readonly message?: string
  readonly protectedBranches?: readonly string[] | null
  readonly cache?: object
  readonly lockWaitMs?: number
  readonly signingTimeoutMs?: number
}

export async function commitLedger(
  placement: Placement,
  asked: Asked = {},
  hooks: CommitHooks = {},
): Promise<CommitOutcome> {
  const { paths = [LEDGER], message = 'Record a decision', protectedBranches = null } = asked
  const request = { ...asked, placement, paths, message, author: AUTHOR, protectedBranches }
  return withRepositoryLock(placement.commonDir, 'ledger', () => commitPaths(request, hooks))
}

/** The id of the commit made; throws with the outcome where there is none. */
export async function committedOid(outcome: Promise<CommitOutcome>): Promise<string> {
  const settled = await outcome
  if (settled.type !== 'committed') throw new Error(JSON.stringify(settled))
  return settled.commit.oid
}
