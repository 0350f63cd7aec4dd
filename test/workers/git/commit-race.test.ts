import { execFile } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AUTHOR, commitLedger } from '../../support/commit-ledger.ts'
import { GIT_ENVIRONMENT, GitRepository, LEDGER } from '../../support/git-repository.ts'

const run = promisify(execFile)

const COMMITS = 60
const MAX_TRIES = 400

/** What git says when somebody else holds a lock, or has moved the branch under it. */
const LOCKED = /index\.lock|HEAD\.lock|cannot lock ref|\.lock': File exists/

describe('commits that race in one worktree', () => {
  let repository: GitRepository

  beforeEach(() => {
    repository = GitRepository.withCommit()
  })
  afterEach(() => repository.remove())

  async function nativeGit(...args: string[]): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await run('git', args, { cwd: repository.root, env: GIT_ENVIRONMENT })
        return
      } catch (error) {
        if (tries === MAX_TRIES || !LOCKED.test(String(error))) throw error
      }
    }
  }

  /** A user who commits one file and has another one staged all the time. */
  async function nativeCommits(): Promise<string[]> {
    const reported: string[] = []
    for (let n = 0; n < COMMITS; n += 1) {
      repository.write(`native/${n}.txt`, `${n}\n`)
      repository.write(`staged/${n % 2}.txt`, `${n}\n`)
      await nativeGit('add', `native/${n}.txt`, `staged/${n % 2}.txt`)
      const scope = n % 2 === 0 ? ['--only', '--', `native/${n}.txt`] : []
      await nativeGit('commit', '-q', '-m', `native ${n}`, ...scope)
      reported.push(`native ${n}`)
    }
    return reported
  }

  async function ourCommits(): Promise<string[]> {
    const reported: string[] = []
    const placement = repository.placement()
    for (let n = 0; reported.length < COMMITS; n += 1) {
      appendFileSync(join(repository.root, LEDGER), `{"n":${n}}\n`)
      const outcome = await commitLedger(placement, { message: `ours ${n}` })
      if (outcome.type === 'committed') reported.push(outcome.commit.oid)
      else if (outcome.type === 'deferred') {
        expect(['index_locked', 'ref_locked', 'head_moved']).toContain(outcome.reason)
      }
      expect(n).toBeLessThan(MAX_TRIES)
    }
    return reported
  }

  it('lose none that either side reported, and ours hold nothing that the user staged (L13)', async () => {
    repository.write(LEDGER, '')
    const [native, ours] = await Promise.all([nativeCommits(), ourCommits()])
    const log = repository.git('log', '--format=%H %s').trim().split('\n')
    const subjects = new Set(log.map((line) => line.slice(line.indexOf(' ') + 1)))
    const oids = new Set(log.map((line) => line.slice(0, line.indexOf(' '))))
    expect(native.filter((subject) => !subjects.has(subject))).toEqual([])
    expect(ours.filter((oid) => !oids.has(oid))).toEqual([])
    for (const oid of ours) {
      expect(repository.git('show', '--name-only', '--format=', oid).trim()).toBe(LEDGER)
    }
    await commitLedger(repository.placement())
    expect(repository.git('show', `HEAD:${LEDGER}`)).toBe(repository.read(LEDGER))
    expect(repository.git('status', '--porcelain', LEDGER)).toBe('')
    expect(
      repository.git('ls-tree', '-r', '--name-only', 'HEAD', 'native/').trim().split('\n'),
    ).toHaveLength(COMMITS)
    expect(repository.fsck()).toBe('')
  })

  it('leave the reflog line of a native commit that came just before our locks', async () => {
    repository.write(LEDGER, '{"n":0}\n')
    let raced = 0
    const onStep = (step: string, path: string): void => {
      if (step !== 'link' || !path.endsWith('index.lock') || raced > 0) return
      raced += 1
      repository.git('commit', '-q', '--allow-empty', '-m', 'Just before')
    }
    const outcome = await commitLedger(repository.placement(), {}, { onStep })
    expect(outcome).toMatchObject({ type: 'committed' })
    expect(raced).toBe(1)
    expect(repository.git('reflog', '--format=%gs').trim().split('\n').slice(1)).toEqual([
      'commit: Just before',
      'commit (initial): First',
    ])
  })

  it('from two processes of ours all arrive, each line in one commit', async () => {
    const script = join(process.cwd(), 'test/support/commit-child.mjs')
    const placement = repository.placement()
    repository.write(LEDGER, '')
    const children = ['a', 'b'].map(async (name) => {
      const lines = Array.from({ length: 15 }, (_, n) => `{"${name}":${n}}`)
      const request = { placement, path: LEDGER, author: AUTHOR, lines }
      const { stdout } = await run(process.execPath, [script, JSON.stringify(request)])
      return stdout.trim().split('\n')
    })
    const outcomes = (await Promise.all(children)).flat()
    const types = outcomes.map((line) => String(JSON.parse(line).outcome.type))
    expect(types).toEqual(Array.from({ length: 30 }, () => 'committed'))
    expect(repository.git('rev-list', '--count', 'HEAD').trim()).toBe('31')
    expect(repository.read(LEDGER).trim().split('\n')).toHaveLength(30)
    expect(repository.git('status', '--porcelain')).toBe('')
  })
})
