import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { withRepositoryLock } from '#dist/project/git/repository-lock.js'
import { CommitGraph } from '#dist/workers/git/objects/commit-graph.js'
import { DurableFs } from '#dist/workers/git/disk/durable-fs.js'
import { mendIndexes } from '#dist/workers/git/index/index-mender.js'
import { hasIndexChanged } from '#dist/workers/git/index/replaced-book.js'
import { committedOid, commitLedger } from '../../support/commit-ledger.ts'
import { GitRepository, LEDGER, OBJECT_FORMAT } from '../../support/git-repository.ts'
import { PausedGit } from '../../support/paused-git.ts'

const USERS = 'src/file-0.txt'
const STAGED = `M  ${USERS}`

/** Commands that lock the index after they have read it, and what they leave of what the user had staged. */
const STALE: readonly { readonly args: readonly string[]; readonly left: string }[] = [
  { args: ['commit', '-qm', 'Users'], left: STAGED },
  { args: ['commit', '-q', '--amend', '-m', 'Users'], left: STAGED },
  { args: ['reset', '-q', '--', USERS], left: ` M ${USERS}` },
]

const HASH = OBJECT_FORMAT === 'sha256' ? 'sha256' : 'sha1'

describe('an index that a native command had read before our commit and writes back after', () => {
  let repository: GitRepository

  beforeEach(async () => {
    repository = GitRepository.withCommit()
    repository.write(LEDGER, '{"n":1}\n')
    await committedOid(commitLedger(repository.placement()))
    repository.write(USERS, 'staged\n')
    repository.git('add', USERS)
  })
  afterEach(() => repository.remove())

  const status = (): string => repository.git('status', '--porcelain').trimEnd()
  const commonDir = (): string => join(repository.root, '.git')

  async function record(n: number): Promise<string> {
    repository.write(LEDGER, `${repository.read(LEDGER)}{"n":${n}}\n`)
    return committedOid(commitLedger(repository.placement()))
  }

  async function mend(): Promise<void> {
    await withRepositoryLock(commonDir(), 'ledger', () =>
      mendIndexes(commonDir(), {
        fs: new DurableFs(commonDir()),
        graph: new CommitGraph(commonDir()),
        hash: HASH,
      }),
    )
  }

  async function overtake(...args: readonly string[]): Promise<string> {
    const native = await PausedGit.start(repository.root, ...args)
    expect(existsSync(join(commonDir(), 'index.lock'))).toBe(false)
    const ours = await record(2)
    await native.finish()
    expect(repository.git('rev-parse', 'HEAD').trim()).toBe(ours)
    return ours
  }

  it.each(STALE)(
    'gets our entry back, and keeps what the user staged: git $args',
    async (stale) => {
      const ours = await overtake(...stale.args)
      expect(status()).toBe(`MM ${LEDGER}\n${stale.left}`)
      expect(hasIndexChanged(commonDir())).toBe(true)
      await mend()
      expect(status()).toBe(stale.left)
      repository.git('commit', '-q', '--allow-empty', '-m', 'Users again')
      expect(repository.git('diff', '--name-only', ours, 'HEAD', '--', LEDGER)).toBe('')
      expect(repository.fsck()).toBe('')
    },
  )

  it('is looked at once, and again only when somebody has written it', async () => {
    await overtake('commit', '-qm', 'Users')
    await mend()
    expect(hasIndexChanged(commonDir())).toBe(false)
    repository.git('add', '--renormalize', '.')
    expect(hasIndexChanged(commonDir())).toBe(true)
    await mend()
    expect(hasIndexChanged(commonDir())).toBe(false)
  })

  it('may be older than several commits of ours', async () => {
    const native = await PausedGit.start(repository.root, 'commit', '-qm', 'Users')
    await record(2)
    await record(3)
    await record(4)
    await native.finish()
    expect(status()).toBe(`MM ${LEDGER}\n${STAGED}`)
    await mend()
    expect(status()).toBe(STAGED)
  })

  it('gets the entry of a log that is new, where it went at once', async () => {
    const other = LEDGER.replace('decisions', 'status')
    const native = await PausedGit.start(repository.root, 'commit', '-qm', 'Users')
    repository.write(other, '{}\n')
    await committedOid(commitLedger(repository.placement(), { paths: [other] }))
    await native.finish()
    expect(status()).toBe(`D  ${other}\n${STAGED}\n?? ${other}`)
    await mend()
    expect(status()).toBe(STAGED)
  })

  it('waits while somebody holds its lock', async () => {
    await overtake('commit', '-qm', 'Users')
    const lock = join(commonDir(), 'index.lock')
    writeFileSync(lock, '')
    await mend()
    expect(hasIndexChanged(commonDir())).toBe(true)
    rmSync(lock)
    await mend()
    expect(status()).toBe(STAGED)
  })

  it("waits while a merge is under way, whose index is the user's to finish", async () => {
    const ours = await overtake('commit', '-qm', 'Users')
    writeFileSync(join(commonDir(), 'MERGE_HEAD'), `${ours}\n`)
    await mend()
    expect(status()).toBe(`MM ${LEDGER}\n${STAGED}`)
    rmSync(join(commonDir(), 'MERGE_HEAD'))
    await mend()
    expect(status()).toBe(STAGED)
  })

  it('is left alone once a commit of it is on the branch: that is for the ledger to put right', async () => {
    await overtake('commit', '-qm', 'Users')
    repository.git('commit', '-qm', 'Users')
    expect(status()).toBe(` M ${LEDGER}`)
    await mend()
    expect(hasIndexChanged(commonDir())).toBe(false)
    expect(status()).toBe(` M ${LEDGER}`)
  })

  it('is left alone by a book that can not be read', async () => {
    await overtake('commit', '-qm', 'Users')
    const book = join(commonDir(), 'kittiwake/replaced.json')
    expect(JSON.parse(readFileSync(book, 'utf8'))).toMatchObject({ worktrees: [{}] })
    for (const text of [
      '',
      '\0\0',
      '{"worktrees":[{}]}',
      '{"worktrees":[{"entries":[1]}]}',
      '[]',
    ]) {
      writeFileSync(book, text)
      await mend()
    }
    expect(status()).toBe(`MM ${LEDGER}\n${STAGED}`)
    await record(3)
    expect(status()).toBe(STAGED)
  })
})

describe('what a user takes out of the index on purpose stays out', () => {
  let repository: GitRepository

  beforeEach(async () => {
    repository = GitRepository.withCommit()
    for (const n of [1, 2]) {
      repository.write(LEDGER, `{"n":${n}}\n`)
      await committedOid(commitLedger(repository.placement()))
    }
  })
  afterEach(() => repository.remove())

  async function mended(): Promise<string> {
    const commonDir = join(repository.root, '.git')
    const before = repository.git('ls-files', '--stage', '--', LEDGER)
    const fs = new DurableFs(commonDir)
    const hands = { fs, graph: new CommitGraph(commonDir), hash: HASH } as const
    expect(hasIndexChanged(commonDir)).toBe(true)
    await withRepositoryLock(commonDir, 'ledger', () => mendIndexes(commonDir, hands))
    expect(repository.git('ls-files', '--stage', '--', LEDGER)).toBe(before)
    return repository.git('status', '--porcelain').trimEnd()
  }

  it('by the log of an earlier commit', async () => {
    repository.git('reset', '-q', 'HEAD~1', '--', LEDGER)
    expect(await mended()).toBe(`MM ${LEDGER}`)
  })

  it('by the log of an earlier commit, once more after a commit of ours', async () => {
    const first = repository.git('rev-parse', 'HEAD~1').trim()
    repository.git('reset', '-q', first, '--', LEDGER)
    repository.write(LEDGER, '{"n":3}\n')
    await committedOid(commitLedger(repository.placement()))
    repository.git('reset', '-q', first, '--', LEDGER)
    expect(await mended()).toBe(`MM ${LEDGER}`)
  })

  it('by the log of an earlier commit that is in the worktree again', async () => {
    repository.git('checkout', '-q', 'HEAD~1', '--', LEDGER)
    expect(await mended()).toBe(`M  ${LEDGER}`)
  })

  it('by a commit that takes ours back', async () => {
    repository.git('revert', '--no-commit', 'HEAD')
    expect(await mended()).toBe(`M  ${LEDGER}`)
  })

  it('by a log that is no longer tracked', async () => {
    repository.git('rm', '-q', '--cached', LEDGER)
    expect(await mended()).toBe(`D  ${LEDGER}\n?? kitty-specs/`)
  })

  it('by a log that was new, once our commit has been there for a while', async () => {
    const other = LEDGER.replace('decisions', 'status')
    repository.write(other, '{}\n')
    await committedOid(commitLedger(repository.placement(), { paths: [other] }))
    repository.git('rm', '-q', '--cached', other)
    const later = Date.now() / 1000 + 10
    utimesSync(join(repository.root, '.git/index'), later, later)
    expect(await mended()).toBe(`D  ${other}\n?? ${other}`)
  })
})
