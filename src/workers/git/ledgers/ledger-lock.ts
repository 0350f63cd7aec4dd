/** How everything that writes to ledgers begins: alone, and with what a dead process left put right. */
import { withRepositoryLock } from '../../../project/git/repository-lock.ts'
import type { Repository } from '../../../project/types.ts'
import { recoverRepository } from '../commit/commit.ts'
import type { OnStep } from '../disk/durable-fs.ts'
import { withPoolPulse } from '../pool-pulse.ts'

export type LedgerHands = {
  readonly onStep?: OnStep
  readonly errorFrom: (error: unknown) => unknown
  /** Puts into the scopes' files what a dead process had still to put there. */
  readonly recoverSeeds: () => Promise<void>
}

/** @throws GitError LEDGER_LOCKED (retryable), LOCK_UNUSABLE; what `body` fails with goes through `errorFrom`. */
export async function withLedgerLock<T>(
  repository: Repository,
  { onStep, errorFrom, recoverSeeds }: LedgerHands,
  body: () => Promise<T>,
): Promise<T> {
  return withRepositoryLock(repository.commonDir, 'ledger', async () => {
    try {
      return await withPoolPulse(async () => {
        await recoverRepository(repository, onStep)
        await recoverSeeds()
        return body()
      })
    } catch (error) {
      throw errorFrom(error)
    }
  })
}
