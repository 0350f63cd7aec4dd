import { execFileSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { committedOid, commitLedger } from '../../support/commit-ledger.ts'
import { BRANCH, GitRepository, LEDGER } from '../../support/git-repository.ts'

describe('a commit that can not happen now', () => {
  let repository: GitRepository

  beforeEach(() => {
    repository = GitRepository.withCommit()
    repository.write(LEDGER, '{}\n')
  })
  afterEach(() => repository.remove())

  /** Deferred with the reason, the branch where it was, and committed once `mend` has run. */
  async function isDeferred(reason: string, mend?: () => void): Promise<void> {
    const placement = repository.placement()
    const tip = repository.git('rev-parse', BRANCH)
    expect(await commitLedger(placement)).toEqual({
      type: 'deferred',
      reason,
      message: expect.stringMatching(/^[A-Z].*\.$/s),
    })
    expect(repository.git('rev-parse', BRANCH)).toBe(tip)
    if (mend === undefined) return
    mend()
    await committedOid(commitLedger(placement))
  }

  it('is deferred while HEAD is detached', async () => {
    repository.git('checkout', '-q', '--detach')
    await isDeferred('detached_head', () => repository.git('checkout', '-q', BRANCH))
  })

  it('is deferred while another branch is checked out', async () => {
    repository.git('checkout', '-qb', 'other')
    await isDeferred('head_mismatch', () => repository.git('checkout', '-q', BRANCH))
  })

  it('is deferred while a rebase is in progress', async () => {
    repository.write('src/file-0.txt', 'second\n')
    repository.git('commit', '-qam', 'Second')
    repository.git('-c', 'sequence.editor=sed -i s/^pick/edit/', 'rebase', '-qi', 'HEAD~1')
    await isDeferred('detached_head', () => repository.git('rebase', '--abort'))
  })

  it('is deferred while an am is in progress', async () => {
    repository.write('src/file-0.txt', 'second\n')
    repository.git('commit', '-qam', 'Second')
    const patch = repository.git('format-patch', '--stdout', 'HEAD~1')
    repository.write('.git/one.patch', patch)
    repository.tryGit('am', '.git/one.patch')
    await isDeferred('detached_head', () => repository.git('am', '--abort'))
  })

  it('is deferred while a bisect is in progress', async () => {
    repository.git('bisect', 'start')
    await isDeferred('detached_head', () => repository.git('bisect', 'reset'))
  })

  it('is deferred on a branch without a commit', async () => {
    const empty = new GitRepository()
    empty.write(LEDGER, '{}\n')
    const outcome = await commitLedger(empty.placement())
    expect(outcome).toMatchObject({ type: 'deferred', reason: 'unborn_branch' })
    empty.remove()
  })

  it('is deferred when the worktree is gone', async () => {
    const worktree = repository.addWorktree('gone')
    const placement = repository.placement(worktree, 'refs/heads/gone')
    rmSync(worktree, { recursive: true })
    expect(await commitLedger(placement)).toMatchObject({ reason: 'worktree_missing' })
    repository.git('worktree', 'prune')
    mkdirSync(worktree)
    expect(await commitLedger(placement)).toMatchObject({ reason: 'worktree_missing' })
  })

  it('is deferred on a protected branch', async () => {
    repository.git('branch', '-m', 'main')
    const placement = repository.placement(repository.root, 'refs/heads/main')
    expect(await commitLedger(placement)).toMatchObject({ reason: 'protected_branch' })
    await committedOid(commitLedger(placement, { protectedBranches: ['release/*'] }))
  })

  it('is deferred in a repository whose references are a table, and nothing is written there', async () => {
    const placement = repository.placement()
    const [objects, config] = [
      repository.git('count-objects', '-v'),
      repository.read('.git/config'),
    ]
    repository.write('.git/config', `${config}[extensions]\n\trefStorage = reftable\n`)
    expect(await commitLedger(placement)).toMatchObject({ reason: 'repository_unsupported' })
    repository.write('.git/config', config)
    expect(repository.git('count-objects', '-v')).toBe(objects)
    await committedOid(commitLedger(placement))
  })

  it('is deferred with a sparse index', async () => {
    repository.git('sparse-checkout', 'init', '--cone', '--sparse-index')
    repository.git('sparse-checkout', 'set', 'kitty-specs')
    repository.write(LEDGER, '{}\n')
    await isDeferred('index_unsupported', () => {
      repository.git('sparse-checkout', 'init', '--cone', '--no-sparse-index')
    })
  })

  it('is deferred with a damaged index, which stays as it is', async () => {
    const path = join(repository.root, '.git/index')
    const whole = readFileSync(path)
    const damaged = Buffer.from(whole)
    damaged[40] = (damaged[40] ?? 0) ^ 1
    repository.write('.git/index', damaged)
    await isDeferred('index_unsupported')
    expect(readFileSync(path).equals(damaged)).toBe(true)
    repository.write('.git/index', whole)
    await isDeferredNoMore()
  })

  it('is deferred when an object of HEAD is missing or damaged', async () => {
    const tree = repository.git('rev-parse', 'HEAD^{tree}').trim()
    const path = join(repository.root, '.git/objects', tree.slice(0, 2), tree.slice(2))
    const kept = readFileSync(path)
    rmSync(path)
    await isDeferred('repository_unsupported')
    repository.write(join('.git/objects', tree.slice(0, 2), tree.slice(2)), 'garbage')
    await isDeferred('io_error')
    rmSync(path)
    repository.write(join('.git/objects', tree.slice(0, 2), tree.slice(2)), kept)
    await isDeferredNoMore()
  })

  it('is deferred within its bound while a foreign lock is there, which is never taken away', async () => {
    const names = ['index', 'HEAD', `refs/heads/${BRANCH}`]
    await Promise.all(
      names.map(async (name) => {
        const other = GitRepository.withCommit()
        other.write(LEDGER, '{}\n')
        other.write(`.git/${name}.lock`, 'foreign')
        const tip = other.git('rev-parse', 'HEAD')
        const startedAt = performance.now()
        const reason = name === 'index' ? 'index_locked' : 'ref_locked'
        const outcome = await commitLedger(other.placement())
        expect(outcome).toMatchObject({ type: 'deferred', reason })
        expect(performance.now() - startedAt).toBeLessThan(8_000)
        expect(other.git('rev-parse', 'HEAD')).toBe(tip)
        const left = names.filter((each) => existsSync(join(other.root, '.git', `${each}.lock`)))
        expect(left).toEqual([name])
        expect(other.read(`.git/${name}.lock`)).toBe('foreign')
        rmSync(join(other.root, '.git', `${name}.lock`))
        await committedOid(commitLedger(other.placement()))
        other.remove()
      }),
    )
  })

  it('waits for a foreign lock that comes first and goes in time', async () => {
    const lock = join(repository.root, '.git/index.lock')
    let links = 0
    const onStep = (step: string, path: string): void => {
      if (step === 'link' && path === lock) {
        links += 1
        if (links === 1) repository.write('.git/index.lock', 'foreign')
      }
      if (step === 'unlink' && path.endsWith('journal.json')) rmSync(lock, { force: true })
    }
    await committedOid(commitLedger(repository.placement(), {}, { onStep }))
    expect(links).toBe(2)
  })

  it('is deferred in a repository that can not be written to', async () => {
    const onStep = (): void => {
      throw Object.assign(new Error('read-only'), { code: 'EROFS' })
    }
    const outcome = await commitLedger(repository.placement(), {}, { onStep })
    expect(outcome).toMatchObject({ type: 'deferred', reason: 'repository_read_only' })
  })

  it('is deferred when the branch moves at every try, and no move is lost', async () => {
    const first = repository.tip()
    repository.git('commit', '-q', '--allow-empty', '-m', 'Second')
    const tips = [repository.tip(), first]
    let moves = 0
    const beforeRefMoves = async (): Promise<void> => {
      moves += 1
      repository.write(`.git/refs/heads/${BRANCH}`, `${tips[moves % 2]}\n`)
    }
    const outcome = await commitLedger(repository.placement(), {}, { beforeRefMoves })
    expect(outcome).toMatchObject({ type: 'deferred', reason: 'head_moved' })
    expect(moves).toBeGreaterThan(6)
    expect(repository.tip()).toBe(tips[moves % 2])
    expect(repository.fsck()).toBe('')
  })

  it('is rebuilt on a commit that came between', async () => {
    const announced: string[] = []
    const oid = await committedOid(
      commitLedger(
        repository.placement(),
        {},
        {
          beforeRefMoves: async (commit) => {
            announced.push(commit.oid)
            if (announced.length === 1) {
              repository.git('commit', '-q', '--allow-empty', '-m', 'Between')
            }
          },
        },
      ),
    )
    expect(announced).toEqual([announced[0], oid])
    expect(repository.git('log', '--format=%s')).toBe('Record a decision\nBetween\nFirst\n')
  })

  it('is built under the locks when others are always quicker, so that it arrives in the end', async () => {
    const quicker = [1, 2, 3, 4].map((n) => {
      repository.git('commit', '-q', '--allow-empty', '-m', `Quicker ${n}`)
      return repository.tip()
    })
    repository.git('reset', '-q', '--soft', 'HEAD~4')
    const lock = join(repository.root, '.git/index.lock')
    const locked: boolean[] = []
    const beforeRefMoves = async (): Promise<void> => {
      locked.push(existsSync(lock))
      const tip = quicker.shift()
      if (tip !== undefined) repository.git('update-ref', `refs/heads/${BRANCH}`, tip)
    }
    const oid = await committedOid(commitLedger(repository.placement(), {}, { beforeRefMoves }))
    expect(locked).toEqual([false, false, false, false, true])
    expect(repository.tip()).toBe(oid)
    expect(repository.git('log', '-2', '--format=%s')).toBe('Record a decision\nQuicker 4\n')
    expect(repository.git('status', '--porcelain')).toBe('')
    expect(repository.git('reflog', '-1', '--format=%H').trim()).toBe(oid)
    expect(existsSync(lock)).toBe(false)
  })

  it('is made with a plain lock file where hard links are not to be had', async () => {
    const onStep = (step: string): void => {
      if (step === 'link') throw Object.assign(new Error('no links'), { code: 'ENOTSUP' })
    }
    await committedOid(commitLedger(repository.placement(), {}, { onStep }))
    expect(repository.git('status', '--porcelain')).toBe('')
    repository.write(LEDGER, '{"n":2}\n')
    repository.write('.git/index.lock', 'foreign')
    expect(
      await commitLedger(repository.placement(), { lockWaitMs: 50 }, { onStep }),
    ).toMatchObject({
      reason: 'index_locked',
    })
    expect(repository.read('.git/index.lock')).toBe('foreign')
  })

  async function isDeferredNoMore(): Promise<void> {
    await committedOid(commitLedger(repository.placement()))
  }

  describe('because of its path', () => {
    it('whatever is not a plain path of a file in the worktree is refused', async () => {
      for (const path of [
        '../outside.jsonl',
        '/etc/hostname',
        '.git/config',
        'kitty-specs/.GIT/x',
        'kitty-specs/GIT~1/x',
        'kitty-specs//x',
        './x',
        'a\\b',
        'a\0b',
        'C:x',
        'kitty-specs/x.',
        '',
        'kitty-specs',
        'kitty-specs/missing.jsonl',
        'x'.repeat(2_000),
      ]) {
        const outcome = await commitLedger(repository.placement(), { paths: [path] })
        expect({ path, outcome }).toMatchObject({ outcome: { reason: 'path_refused' } })
      }
      expect(repository.git('rev-list', '--count', 'HEAD').trim()).toBe('1')
    })

    it('a symbolic link is refused, as the file and as a folder above it', async () => {
      repository.write('elsewhere/secret.jsonl', 'secret\n')
      symlinkSync(join(repository.root, 'elsewhere/secret.jsonl'), join(repository.root, 'link'))
      symlinkSync(join(repository.root, 'elsewhere'), join(repository.root, 'folder'))
      for (const path of ['link', 'folder/secret.jsonl']) {
        const outcome = await commitLedger(repository.placement(), { paths: [path] })
        expect(outcome).toMatchObject({ reason: 'path_refused' })
      }
    })

    it('a pipe is refused without waiting for it', async () => {
      execFileSync('mkfifo', [join(repository.root, 'pipe')])
      const outcome = await commitLedger(repository.placement(), { paths: ['pipe'] })
      expect(outcome).toMatchObject({ reason: 'path_refused' })
    })

    it('a repository inside the worktree is refused', async () => {
      repository.write('kitty-specs/.git', 'gitdir: elsewhere\n')
      await isDeferred('path_refused', () => rmSync(join(repository.root, 'kitty-specs/.git')))
    })

    it('what HEAD holds as a link or a folder is not replaced', async () => {
      symlinkSync('elsewhere', join(repository.root, 'kitty'))
      repository.git('add', 'kitty')
      repository.git('commit', '-qm', 'Link')
      rmSync(join(repository.root, 'kitty'))
      repository.write('kitty', 'file\n')
      const placement = repository.placement()
      expect(await commitLedger(placement, { paths: ['kitty'] })).toMatchObject({
        reason: 'path_refused',
      })
      rmSync(join(repository.root, 'kitty'))
      repository.write('kitty/below.jsonl', '{}\n')
      expect(await commitLedger(placement, { paths: ['kitty/below.jsonl'] })).toMatchObject({
        reason: 'path_refused',
      })
    })

    it('a staged file where our folder would be is left alone', async () => {
      renameSync(join(repository.root, 'kitty-specs'), join(repository.root, 'aside'))
      repository.write('kitty-specs', 'a file\n')
      repository.git('add', 'kitty-specs')
      rmSync(join(repository.root, 'kitty-specs'))
      renameSync(join(repository.root, 'aside'), join(repository.root, 'kitty-specs'))
      await isDeferred('path_conflicted')
      expect(repository.git('ls-files', 'kitty-specs').trim()).toBe('kitty-specs')
    })
  })

  it('never takes a lock away that only looks like one of ours', async () => {
    const state = join(repository.root, '.git/kittiwake')
    mkdirSync(state)
    repository.write('.git/kittiwake/tmp-1-aa', 'ours')
    repository.write('.git/index.lock', 'foreign')
    linkSync(join(state, 'tmp-1-aa'), join(repository.root, '.git/HEAD.lock'))
    const lock = (name: string): unknown => ({
      path: join(repository.root, '.git', `${name}.lock`),
      temporary: join(state, 'tmp-1-aa'),
      identity: null,
    })
    const journal = {
      version: 1,
      locks: [lock('index'), lock('HEAD')],
      branchLock: '',
      reflogs: [],
    }
    repository.write('.git/kittiwake/journal.json', JSON.stringify(journal))
    const outcome = await commitLedger(repository.placement(), { lockWaitMs: 50 })
    expect(outcome).toMatchObject({ reason: 'index_locked' })
    expect(repository.read('.git/index.lock')).toBe('foreign')
    expect(existsSync(join(repository.root, '.git/HEAD.lock'))).toBe(false)
  })
})
