import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { recoverRepository } from '#dist/workers/git/commit/commit.js'
import { AUTHOR, commitLedger } from '../../support/commit-ledger.ts'
import {
  appendAnswer,
  expectHealed,
  expectWhole,
  MAX_STEPS,
  repositoryWithLedger,
  strayFiles,
  SWEEPS,
} from '../../support/commit-crash.ts'
import { BRANCH, LEDGER } from '../../support/git-repository.ts'
import type { GitRepository } from '../../support/git-repository.ts'
import { stride } from '../../support/rows.ts'

/** Sweeps run side by side, one for each core of a small machine. */
const LANES = 2

type Child = { killed: boolean; type: string | null; output: string }

async function commitInChild(repository: GitRepository, killAt: number): Promise<Child> {
  const request = { placement: repository.placement(), path: LEDGER, author: AUTHOR, killAt }
  const script = join(process.cwd(), 'test/support/commit-child.mjs')
  return new Promise((resolve) => {
    execFile(process.execPath, [script, JSON.stringify(request)], (error, stdout, stderr) => {
      const last = stdout.trim().split('\n').at(-1) ?? ''
      const type = last === '' ? null : String(JSON.parse(last).outcome.type)
      resolve({ killed: error?.signal === 'SIGKILL', type, output: stderr })
    })
  })
}

describe('a commit that is cut short', () => {
  let repositories: GitRepository[] = []

  async function prepared(init: readonly string[] = []): Promise<GitRepository> {
    const repository = await repositoryWithLedger(init)
    repositories.push(repository)
    return repository
  }

  beforeEach(() => {
    repositories = []
  })
  afterEach(() => {
    for (const repository of repositories) repository.remove()
  })

  it.each(SWEEPS)(
    'by kill -9 at any step is healed by the next one, and no answer is lost, $name (L9)',
    async ({ init, every, first }) => {
      let completedAt = MAX_STEPS
      const sweep = async (lane: number): Promise<void> => {
        const repository = await prepared(init)
        for (let step = first + lane * every; step < completedAt; step += LANES * every) {
          const parent = appendAnswer(repository, step)
          const child = await commitInChild(repository, step)
          if (!child.killed) {
            expect(child).toMatchObject({ type: 'committed', output: '' })
            completedAt = Math.min(completedAt, step)
          }
          expectWhole(repository)
          await expectHealed(repository, parent)
        }
      }
      await Promise.all(Array.from({ length: LANES }, (_, lane) => sweep(lane)))
      expect(completedAt).toBeGreaterThan(40)
      expect(completedAt).toBeLessThan(MAX_STEPS)
    },
  )

  it('and whose recovery is cut short again, at any step, still heals', async () => {
    const { every, first } = stride(3)
    for (let failAt = first, failed = true; failed; failAt += every) {
      const repository = await prepared()
      const parent = appendAnswer(repository, failAt)
      await failFrom(repository, 'rename', 'index')
      expect(strayFiles(repository).filter((name) => name.endsWith('.lock'))).toHaveLength(3)
      let steps = 0
      failed = false
      const onStep = (): void => {
        steps += 1
        if (steps < failAt) return
        failed = true
        throw Object.assign(new Error('EIO'), { code: 'EIO' })
      }
      await recoverRepository(repository.placement(), onStep).catch(() => undefined)
      await expectHealed(repository, parent)
      expect(failAt).toBeLessThan(MAX_STEPS)
    }
  })

  it('never takes back a reflog line of a commit that was made, nor one of somebody else', async () => {
    const repository = await prepared()
    const parent = appendAnswer(repository, 1)
    await failFrom(repository, 'fsync', dirnameOfBranch())
    expect(repository.git('rev-parse', 'HEAD').trim()).not.toBe(parent)
    const log = readFileSync(join(repository.root, '.git/logs/HEAD'), 'utf8')
    await expectHealed(repository, parent)
    expect(readFileSync(join(repository.root, '.git/logs/HEAD'), 'utf8')).toBe(log)
  })

  /** From the first such step on, no step is made any more: to the disk that is what a dead process is. */
  async function failFrom(repository: GitRepository, at: string, end: string): Promise<void> {
    let dead = false
    let publishing = false
    const onStep = (step: string, path: string): void => {
      publishing ||= step === 'append'
      dead ||= publishing && step === at && path.endsWith(end)
      if (dead) throw Object.assign(new Error('EIO'), { code: 'EIO' })
    }
    const outcome = await commitLedger(repository.placement(), {}, { onStep })
    expect(outcome).toMatchObject({ type: 'deferred', reason: 'io_error' })
    expect(existsSync(join(repository.root, '.git/kittiwake/journal.json'))).toBe(true)
  }

  function dirnameOfBranch(): string {
    return join('refs/heads', BRANCH, '..')
  }
})
