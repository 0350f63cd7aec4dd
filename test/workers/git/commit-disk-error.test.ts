import { afterEach, describe, expect, it } from 'vitest'
import {
  appendAnswer,
  expectHealed,
  expectWhole,
  MAX_STEPS,
  repositoryWithLedger,
  SWEEPS,
} from '../../support/commit-crash.ts'
import { commitLedger } from '../../support/commit-ledger.ts'
import type { GitRepository } from '../../support/git-repository.ts'

describe.each(SWEEPS)('a commit that the disk refuses, $name,', ({ init, every, first }) => {
  let repository: GitRepository
  afterEach(() => repository.remove())

  for (const [code, sticky] of [
    ['EIO', false],
    ['ENOSPC', true],
  ] as const) {
    it(`by ${code} (${sticky ? 'lasting' : 'once'}) at any step leaves nothing corrupt and is made by the next one`, async () => {
      repository = await repositoryWithLedger(init)
      const deferred = new Set<string>()
      for (let failAt = first, failed = true; failed; failAt += every) {
        const parent = appendAnswer(repository, failAt)
        let steps = 0
        failed = false
        const onStep = (): void => {
          steps += 1
          if (sticky ? steps < failAt : steps !== failAt) return
          failed = true
          throw Object.assign(new Error(code), { code })
        }
        const outcome = await commitLedger(repository.placement(), {}, { onStep })
        if (outcome.type === 'deferred') deferred.add(outcome.reason)
        if (failAt % 4 === 0) expectWhole(repository)
        await expectHealed(repository, parent)
        expect(failAt).toBeLessThan(MAX_STEPS)
      }
      expect([...deferred]).toEqual(['io_error'])
    })
  }
})
