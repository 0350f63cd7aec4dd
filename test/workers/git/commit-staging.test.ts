import { appendFileSync, existsSync, readFileSync, statSync, unlinkSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { committedOid, commitLedger } from '../../support/commit-ledger.ts'
import { BRANCH, GitRepository, LEDGER } from '../../support/git-repository.ts'

/** Everything git knows of the entries that are not ours: flags, stages, stat data, ids. */
function userEntries(repository: GitRepository): string {
  const blocks = repository.git('ls-files', '-v', '--stage', '--debug').split(/\n(?=\S)/)
  return blocks.filter((block) => !block.includes(LEDGER)).join('\n')
}

/** What a user who stages by hand may have in the index, all at once. */
function stageEverything(repository: GitRepository): void {
  repository.write('src/file-0.txt', 'staged\n')
  repository.git('add', 'src/file-0.txt')
  repository.write('src/file-0.txt', 'staged and changed again\n')
  repository.write('src/new.txt', 'new\n')
  repository.git('add', 'src/new.txt')
  repository.git('rm', '-q', 'src/file-1.txt')
  repository.git('rm', '-q', '--cached', 'src/file-2.txt')
  repository.git('mv', 'src/file-3.txt', 'renamed.txt')
  repository.write('zz/later.txt', 'later\n')
  repository.git('add', '--intent-to-add', 'zz/later.txt')
  repository.git('update-index', '--skip-worktree', 'src/file-4.txt')
  repository.git('update-index', '--assume-unchanged', 'src/file-5.txt')
  repository.write('src/file-6.txt', 'unstaged\n')
}

describe("the user's index", () => {
  let repository: GitRepository

  beforeEach(() => {
    repository = GitRepository.withCommit()
    repository.write(LEDGER, '{"n":1}\n')
  })
  afterEach(() => repository.remove())

  for (const version of ['2', '3', '4']) {
    for (const tracked of [true, false]) {
      const state = tracked ? 'tracked' : 'new'
      it(`of version ${version} keeps every other entry byte for byte, the ledger being ${state} (L13)`, async () => {
        if (tracked) await committedOid(commitLedger(repository.placement()))
        repository.write(LEDGER, '{"n":2}\n')
        stageEverything(repository)
        repository.git('update-index', '--index-version', version)
        const entries = userEntries(repository)
        const staged = repository.git('diff', '--cached', '--', ':!kitty-specs')
        await committedOid(commitLedger(repository.placement()))
        expect(userEntries(repository)).toBe(entries)
        expect(repository.git('diff', '--cached')).toBe(staged)
        expect(repository.git('show', '--name-only', '--format=', 'HEAD').trim()).toBe(LEDGER)
        expect(repository.git('status', '--porcelain', LEDGER)).toBe('')
        expect(repository.git('write-tree')).not.toBe('')
        expect(repository.fsck()).toBe('')
      })
    }
  }

  it('keeps the tree cache of the folders that are not ours', async () => {
    repository.git('read-tree', 'HEAD')
    await committedOid(commitLedger(repository.placement()))
    const bytes = readFileSync(join(repository.root, '.git/index'))
    expect(bytes.includes('TREE')).toBe(true)
    expect(bytes.includes('src\x0010 0\n')).toBe(true)
    expect(repository.git('write-tree')).toBe(repository.git('rev-parse', 'HEAD^{tree}'))
  })

  it('that does not exist yet is made with our entry', async () => {
    unlinkSync(join(repository.root, '.git/index'))
    await committedOid(commitLedger(repository.placement()))
    expect(repository.git('ls-files').trim()).toBe(LEDGER)
  })

  it('without a checksum is taken, as git takes it', async () => {
    const path = join(repository.root, '.git/index')
    const bytes = readFileSync(path)
    const width = repository.tip().length / 2
    repository.write('.git/index', Buffer.concat([bytes.subarray(0, -width), Buffer.alloc(width)]))
    await committedOid(commitLedger(repository.placement()))
    expect(repository.git('status', '--porcelain')).toBe('')
  })

  it('still shows a change made in the same second in which the index was written', async () => {
    const file = join(repository.root, 'src/file-0.txt')
    const index = join(repository.root, '.git/index')
    const second = Math.floor(Date.now() / 1000) - 10
    utimesSync(file, second, second)
    repository.git('add', '--renormalize', 'src/file-0.txt')
    repository.git('update-index', '--refresh')
    utimesSync(index, second, second)
    const { size } = statSync(file)
    repository.write('src/file-0.txt', 'LINE 0\n')
    utimesSync(file, second, second)
    expect(statSync(file).size).toBe(size)
    repository.git('config', 'core.trustctime', 'false')
    await committedOid(commitLedger(repository.placement()))
    expect(repository.git('status', '--porcelain')).toBe(' M src/file-0.txt\n')
  })

  it('keeps the untracked cache true when the ledger becomes tracked', async () => {
    repository.git('update-index', '--untracked-cache')
    expect(repository.git('status', '--porcelain', '-uall')).toBe(`?? ${LEDGER}\n`)
    repository.git('status', '--porcelain', '-uall')
    await committedOid(commitLedger(repository.placement()))
    expect(repository.git('status', '--porcelain', '-uall')).toBe('')
  })

  it('keeps the flags that the user gave the ledger', async () => {
    await committedOid(commitLedger(repository.placement()))
    for (const [flag, shown] of [
      ['skip-worktree', 'S'],
      ['assume-unchanged', 'h'],
    ]) {
      repository.git('update-index', `--${flag}`, LEDGER)
      repository.write(LEDGER, `{"flag":"${flag}"}\n`)
      await committedOid(commitLedger(repository.placement()))
      expect(repository.git('ls-files', '-v', LEDGER)).toBe(`${shown} ${LEDGER}\n`)
      repository.git('update-index', `--no-${flag}`, LEDGER)
      expect(repository.git('status', '--porcelain')).toBe('')
    }
  })

  it('keeps what the user stages while our commit is being prepared', async () => {
    let staged = false
    const onStep = (step: string, path: string): void => {
      if (staged || step !== 'rename' || !path.endsWith('journal.json')) return
      staged = true
      repository.write('src/meanwhile.txt', 'meanwhile\n')
      repository.git('add', 'src/meanwhile.txt')
    }
    await committedOid(commitLedger(repository.placement(), {}, { onStep }))
    expect(repository.git('status', '--porcelain')).toBe('A  src/meanwhile.txt\n')
    expect(repository.git('show', '--name-only', '--format=', 'HEAD').trim()).toBe(LEDGER)
  })

  it('with what the user staged of the ledger itself ends clean', async () => {
    repository.git('add', '--intent-to-add', LEDGER)
    await committedOid(commitLedger(repository.placement()))
    expect(repository.git('status', '--porcelain')).toBe('')
    repository.write(LEDGER, '{"n":2}\n')
    repository.git('add', LEDGER)
    appendFileSync(join(repository.root, LEDGER), '{"n":3}\n')
    await committedOid(commitLedger(repository.placement()))
    expect(repository.git('status', '--porcelain')).toBe('')
    expect(repository.git('show', `HEAD:${LEDGER}`)).toBe('{"n":2}\n{"n":3}\n')
  })
})

describe("the user's unfinished work", () => {
  let repository: GitRepository

  beforeEach(() => {
    repository = GitRepository.withCommit()
    repository.git('checkout', '-qb', 'side')
    repository.write('src/file-0.txt', 'side\n')
    repository.write('src/side.txt', 'side\n')
    repository.git('add', '.')
    repository.git('commit', '-qm', 'Side')
    repository.git('checkout', '-q', BRANCH)
  })
  afterEach(() => repository.remove())

  it('a merge that waits for its commit still becomes one after ours (L13)', async () => {
    repository.git('merge', '--no-ff', '--no-commit', '-q', 'side')
    repository.write(LEDGER, '{}\n')
    const ours = await committedOid(commitLedger(repository.placement()))
    expect(existsSync(join(repository.root, '.git/MERGE_HEAD'))).toBe(true)
    repository.git('commit', '-qm', 'Merge')
    const side = repository.git('rev-parse', 'side').trim()
    expect(repository.git('log', '-1', '--format=%P').trim()).toBe(`${ours} ${side}`)
    expect(repository.git('ls-tree', '-r', '--name-only', 'HEAD')).toContain('src/side.txt')
    expect(repository.fsck()).toBe('')
  })

  it('conflicts in other files stay as they are', async () => {
    repository.write('src/file-0.txt', 'ours\n')
    repository.git('commit', '-qam', 'Ours')
    expect(repository.tryGit('merge', 'side').code).toBe(1)
    const conflict = repository.git('ls-files', '--unmerged')
    repository.write(LEDGER, '{}\n')
    await committedOid(commitLedger(repository.placement()))
    expect(repository.git('ls-files', '--unmerged')).toBe(conflict)
    expect(existsSync(join(repository.root, '.git/MERGE_HEAD'))).toBe(true)
  })

  it('a merge that changes the ledger is left to the user', async () => {
    repository.git('checkout', '-q', 'side')
    repository.write(LEDGER, '{"side":1}\n')
    repository.git('add', '.')
    repository.git('commit', '-qm', 'Side ledger')
    repository.git('checkout', '-q', BRANCH)
    repository.git('merge', '--no-ff', '--no-commit', '-q', 'side')
    appendFileSync(join(repository.root, LEDGER), '{"ours":1}\n')
    const outcome = await commitLedger(repository.placement())
    expect(outcome).toMatchObject({ type: 'deferred', reason: 'path_conflicted' })
    expect(repository.git('diff', '--cached', '--name-only')).toContain(LEDGER)
  })

  it('a conflict in the ledger defers the commit until it is resolved', async () => {
    repository.write(LEDGER, '{"ours":1}\n')
    repository.git('add', '.')
    repository.git('commit', '-qm', 'Ours')
    repository.git('checkout', '-q', 'side')
    repository.write(LEDGER, '{"side":1}\n')
    repository.git('add', '.')
    repository.git('commit', '-qm', 'Side ledger')
    repository.git('checkout', '-q', BRANCH)
    repository.tryGit('merge', 'side')
    const conflict = repository.git('ls-files', '--unmerged')
    const outcome = await commitLedger(repository.placement())
    expect(outcome).toMatchObject({ type: 'deferred', reason: 'path_conflicted' })
    expect(repository.git('ls-files', '--unmerged')).toBe(conflict)
    repository.write(LEDGER, '{"ours":1}\n{"side":1}\n')
    repository.git('add', '.')
    repository.git('commit', '-qm', 'Merged')
    appendFileSync(join(repository.root, LEDGER), '{"n":3}\n')
    await committedOid(commitLedger(repository.placement()))
  })

  it('the stash is not touched', async () => {
    repository.write('src/file-7.txt', 'stashed\n')
    repository.git('stash', '-q')
    const stash = repository.git('stash', 'list')
    repository.write(LEDGER, '{}\n')
    await committedOid(commitLedger(repository.placement()))
    expect(repository.git('stash', 'list')).toBe(stash)
    repository.git('stash', 'pop', '-q')
    expect(repository.read('src/file-7.txt')).toBe('stashed\n')
  })

  it('a cherry-pick in conflict can still be finished', async () => {
    repository.write('src/file-0.txt', 'ours\n')
    repository.git('commit', '-qam', 'Ours')
    repository.tryGit('cherry-pick', 'side')
    repository.write(LEDGER, '{}\n')
    const ours = await committedOid(commitLedger(repository.placement()))
    repository.write('src/file-0.txt', 'both\n')
    repository.git('add', 'src/file-0.txt')
    repository.git('cherry-pick', '--continue')
    expect(repository.git('log', '-1', '--format=%P').trim()).toBe(ours)
  })
})
