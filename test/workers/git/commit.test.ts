import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commitPaths } from '#dist/workers/git/commit/commit.js'
import { BRANCH, GitRepository, LEDGER, OBJECT_FORMAT } from '../../support/git-repository.ts'
import { AUTHOR, commitLedger, committedOid } from '../../support/commit-ledger.ts'

describe('a commit of ours', () => {
  let repository: GitRepository

  beforeEach(() => {
    repository = GitRepository.withCommit()
    repository.write(LEDGER, '{"n":1}\n')
  })
  afterEach(() => repository.remove())

  it('is what native git sees at HEAD, with the worktree clean', async () => {
    const parent = repository.git('rev-parse', 'HEAD').trim()
    const outcome = await commitLedger(repository.placement(), { message: 'Record\n\nWhy.' })
    expect(outcome).toEqual({
      type: 'committed',
      commit: {
        oid: repository.git('rev-parse', 'HEAD').trim(),
        parents: [parent],
        committedAt: repository.git('log', '-1', '--format=%cI').trim(),
        changedFiles: [LEDGER],
      },
    })
    expect(repository.git('status', '--porcelain')).toBe('')
    expect(repository.git('log', '-1', '--format=%B%an %ae %cn')).toBe(
      `Record\n\nWhy.\n${AUTHOR.name} ${AUTHOR.email} ${AUTHOR.name}\n`,
    )
    expect(repository.fsck()).toBe('')
  })

  it('contains nothing but the paths asked for', async () => {
    await committedOid(commitLedger(repository.placement()))
    expect(repository.git('show', '--name-status', '--format=', 'HEAD').trim()).toBe(`A\t${LEDGER}`)
  })

  it('holds several files at once, each in its own folder', async () => {
    repository.write('kitty-specs/first-01J00000/status.events.jsonl', '{}\n')
    repository.write('kitty-specs-2/a/b/c.jsonl', '{}\n')
    const paths = [
      LEDGER,
      'kitty-specs/first-01J00000/status.events.jsonl',
      'kitty-specs-2/a/b/c.jsonl',
    ]
    const outcome = await commitLedger(repository.placement(), { paths })
    expect(outcome).toMatchObject({ type: 'committed', commit: { changedFiles: paths } })
    expect(repository.git('status', '--porcelain')).toBe('')
    expect(repository.fsck()).toBe('')
  })

  it('is not made again where HEAD holds the bytes', async () => {
    const oid = await committedOid(commitLedger(repository.placement()))
    expect(await commitLedger(repository.placement())).toEqual({ type: 'unchanged', oid })
    expect(repository.git('rev-list', '--count', 'HEAD').trim()).toBe('2')
  })

  it('on a linked worktree moves that branch only, and both worktrees stay clean', async () => {
    const worktree = repository.addWorktree('kitty/mission-other')
    repository.git('clean', '-qfdx')
    repository.write(LEDGER, '{"n":1}\n', worktree)
    const before = repository.git('rev-parse', 'HEAD')
    const placement = repository.placement(worktree, 'refs/heads/kitty/mission-other')
    const oid = await committedOid(commitLedger(placement))
    expect(repository.git('rev-parse', 'kitty/mission-other').trim()).toBe(oid)
    expect(repository.git('rev-parse', 'HEAD')).toBe(before)
    expect(repository.gitIn(worktree, 'status', '--porcelain')).toBe('')
    expect(repository.gitIn(worktree, 'log', '-1', '--format=%H').trim()).toBe(oid)
    expect(repository.git('status', '--porcelain')).toBe('')
    expect(existsSync(join(placement.gitDir, 'refs', 'heads'))).toBe(false)
    expect(repository.fsck()).toBe('')
  })

  it('writes the reflogs of the branch and of HEAD as git does', async () => {
    const oid = await committedOid(commitLedger(repository.placement(), { message: 'Record' }))
    for (const log of ['HEAD', BRANCH]) {
      expect(repository.git('reflog', '-1', '--format=%H %gs', log).trim()).toBe(
        `${oid} commit: Record`,
      )
    }
  })

  it.each(['', '\0\0\0'])(
    'begins a line of its own where a power cut left half a one (%j)',
    async (end) => {
      const log = join(repository.root, '.git/logs/HEAD')
      const half = readFileSync(log, 'utf8').slice(0, -20) + end
      writeFileSync(log, half)
      const oid = await committedOid(commitLedger(repository.placement(), { message: 'Record' }))
      expect(repository.git('reflog', '-1', '--format=%H %gs').trim()).toBe(`${oid} commit: Record`)
      expect(readFileSync(log, 'utf8').startsWith(`${half}\n`)).toBe(true)
      expect(repository.fsck()).toBe('')
    },
  )

  it('makes no reflog where core.logAllRefUpdates is off, and goes on with one that is there', async () => {
    repository.git('config', 'core.logAllRefUpdates', 'false')
    const worktree = repository.addWorktree('quiet')
    repository.write(LEDGER, '{}\n', worktree)
    await committedOid(commitLedger(repository.placement(worktree, 'refs/heads/quiet')))
    expect(existsSync(join(repository.root, '.git/logs/refs/heads/quiet'))).toBe(false)
    await committedOid(commitLedger(repository.placement()))
    expect(repository.git('reflog', BRANCH).trim().split('\n')).toHaveLength(2)
  })

  it('reads a branch that only packed-refs knows, and objects that only a pack holds', async () => {
    repository.git('gc', '-q')
    expect(existsSync(join(repository.root, '.git/refs/heads', BRANCH))).toBe(false)
    const parent = repository.git('rev-parse', 'HEAD').trim()
    const oid = await committedOid(commitLedger(repository.placement()))
    expect(repository.git('rev-parse', 'HEAD', 'HEAD~1').trim()).toBe(`${oid}\n${parent}`)
    repository.write(LEDGER, '{"n":1}\n{"n":2}\n')
    repository.git('gc', '-q')
    await committedOid(commitLedger(repository.placement()))
    expect(repository.fsck()).toBe('')
  })

  it('is made in a clone that borrows its objects', async () => {
    const borrower = new GitRepository()
    const tip = repository.tip()
    const alternates = `# a comment\n${repository.root}/.git/objects\n`
    borrower.write('.git/objects/info/alternates', alternates)
    borrower.git('update-ref', 'refs/heads/borrowed', tip)
    borrower.git('checkout', '-q', 'borrowed')
    expect(borrower.git('count-objects')).toMatch(/^0 objects/)
    borrower.write(LEDGER, '{}\n')
    const placement = borrower.placement(borrower.root, 'refs/heads/borrowed')
    await committedOid(commitLedger(placement))
    expect(borrower.git('status', '--porcelain')).toBe('')
    borrower.remove()
  })

  it('keeps names that are not UTF-8 and historical modes in the trees that it rewrites', async () => {
    const blob = repository.git('hash-object', '-w', 'src/file-0.txt').trim()
    const entry = Buffer.concat([
      Buffer.from('100664 caf'),
      Buffer.from([0xe9, 0]),
      Buffer.from(blob, 'hex'),
    ])
    const options = { cwd: repository.root, input: entry }
    const tree = execFileSync('git', ['hash-object', '-wt', 'tree', '--stdin'], options)
    const commit = repository.git('commit-tree', '-m', 'Odd', tree.toString().trim()).trim()
    repository.git('update-ref', `refs/heads/${BRANCH}`, commit)
    await committedOid(commitLedger(repository.placement()))
    const root = execFileSync('git', ['cat-file', 'tree', 'HEAD^{tree}'], { cwd: repository.root })
    expect(root.includes(entry)).toBe(true)
  })

  it('keeps the mode of a file that HEAD calls executable', async () => {
    repository.git('add', LEDGER)
    repository.git('update-index', '--chmod=+x', LEDGER)
    repository.git('commit', '-qm', 'Executable')
    repository.write(LEDGER, '{"n":2}\n')
    await committedOid(commitLedger(repository.placement()))
    expect(repository.git('ls-tree', 'HEAD', LEDGER)).toMatch(/^100755/)
  })

  it('stores the bytes as they are, whatever filters and line endings are configured', async () => {
    repository.git('config', 'core.autocrlf', 'true')
    repository.write('.gitattributes', '*.jsonl text eol=crlf\n')
    repository.write(LEDGER, '{"a":1}\r\n{"b":2}\n')
    await committedOid(commitLedger(repository.placement()))
    expect(repository.git('cat-file', 'blob', `HEAD:${LEDGER}`)).toBe('{"a":1}\r\n{"b":2}\n')
  })

  it('makes an object durable that somebody else wrote before (L1)', async () => {
    const oid = repository.git('hash-object', '-w', LEDGER).trim()
    const path = join(repository.root, '.git/objects', oid.slice(0, 2), oid.slice(2))
    utimesSync(path, 1, 1)
    const synced: string[] = []
    const onStep = (step: string, at: string): void => {
      if (step === 'fsync') synced.push(at)
    }
    await committedOid(commitLedger(repository.placement(), {}, { onStep }))
    expect(synced[0]).toBe(path)
    expect(synced).toContain(dirname(path))
    expect(statSync(path).mtimeMs).toBeGreaterThan(Date.now() - 60_000)
  })

  it('replaces a loose object of the same name that is empty', async () => {
    const oid = repository.git('hash-object', LEDGER).trim()
    const path = join('.git/objects', oid.slice(0, 2), oid.slice(2))
    repository.write(path, '')
    await committedOid(commitLedger(repository.placement()))
    expect(statSync(join(repository.root, path)).size).toBeGreaterThan(0)
    expect(repository.fsck()).toBe('')
  })

  it('announces the commit before the branch moves, and moves nothing where the caller refuses (L9)', async () => {
    const before = repository.git('rev-parse', 'HEAD')
    const seen: string[] = []
    const refuse = commitLedger(
      repository.placement(),
      {},
      {
        beforeRefMoves: async (commit) => {
          seen.push(commit.oid)
          expect(repository.git('rev-parse', 'HEAD')).toBe(before)
          throw new Error('the frame could not be noted')
        },
      },
    )
    await expect(refuse).rejects.toThrow('the frame could not be noted')
    expect(repository.git('rev-parse', 'HEAD')).toBe(before)
    const oid = await committedOid(commitLedger(repository.placement()))
    expect(seen).toHaveLength(1)
    expect(repository.git('rev-parse', 'HEAD').trim()).toBe(oid)
  })

  it('refuses an author that would break the header of the commit', async () => {
    const author = { name: 'A <b', email: 'x' }
    const request = { placement: repository.placement(), paths: [LEDGER], message: 'm', author }
    await expect(commitPaths({ ...request, protectedBranches: null })).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    })
  })

  it.runIf(OBJECT_FORMAT === 'sha1')(
    'is durable in the order in which a power cut can do no harm (L1, L9)',
    async () => {
      const all: { step: string; path: string }[] = []
      const onStep = (step: string, path: string): number => all.push({ step, path })
      await committedOid(commitLedger(repository.placement(), {}, { onStep }))
      // Behind the journal comes what may be lost: which entries of the index were replaced.
      const isOver = (one: (typeof all)[0]): boolean =>
        one.step === 'unlink' && one.path.endsWith('journal.json')
      const steps = all.slice(0, all.findIndex(isOver))
      const git = join(repository.root, '.git')
      const isNaming = ({ step }: { step: string }): boolean => step === 'rename' || step === 'link'
      for (const [index, { step, path }] of steps.entries()) {
        if (step !== 'write') continue
        const later = steps.slice(index + 1)
        // No file gets its name before it is whole, with all that were written beside it.
        expect(later.slice(0, later.findIndex(isNaming))).toContainEqual({ step: 'fsync', path })
      }
      const firstLink = steps.findIndex(({ step }) => step === 'link')
      for (const [index, { step, path }] of steps.entries()) {
        if (step !== 'rename' && step !== 'mkdir') continue
        const folder = { step: 'fsync', path: dirname(path) }
        // What is there before git is locked out is made durable together; the others at once.
        const until = index < firstLink ? firstLink : index + 2
        expect(steps.slice(index + 1, until)).toContainEqual(folder)
      }
      const renamed = steps.filter(({ step }) => step === 'rename').map(({ path }) => path)
      const objects = renamed.filter((path) => path.includes('/objects/'))
      expect(objects).toHaveLength(5)
      const published = [join(git, 'index'), join(git, 'refs/heads', BRANCH)]
      expect(renamed).toEqual([...objects, join(git, 'kittiwake/journal.json'), ...published])
      const noted = steps.findIndex(({ path }) => path.endsWith('journal.json'))
      expect(noted).toBeLessThan(firstLink)
    },
  )

  it('leaves no file of its own behind but the lock, what stands for a held one, and what it replaced', async () => {
    await committedOid(commitLedger(repository.placement()))
    expect(readdirSync(join(repository.root, '.git/kittiwake')).sort()).toEqual([
      'held',
      'ledger.db',
      'replaced.json',
    ])
  })
})

describe('the time for which git is locked out', () => {
  it('is reported for each commit, and told here for a repository of 10,000 files', async () => {
    const repository = new GitRepository()
    repository.write('one.txt', 'one\n')
    const blob = repository.git('hash-object', '-w', 'one.txt').trim()
    const entries = Array.from(
      { length: 10_000 },
      (_, n) => `100644 ${blob}\tsrc/${n % 100}/file-${n}.txt\n`,
    )
    execFileSync('git', ['update-index', '--add', '--index-info'], {
      cwd: repository.root,
      input: entries.join(''),
    })
    repository.git('commit', '-qm', 'Many')
    repository.git('gc', '-q')
    const holdsMs: number[] = []
    const cache = {}
    for (let n = 0; n < 20; n += 1) {
      repository.write(LEDGER, `{"n":${n}}\n`)
      const onLockHold = (lockHoldMs: number): number => holdsMs.push(lockHoldMs)
      await committedOid(commitLedger(repository.placement(), { cache }, { onLockHold }))
    }
    expect(holdsMs).toHaveLength(20)
    const sorted = holdsMs.sort((a, b) => a - b).map((each) => each.toFixed(1))
    process.stdout.write(`git lock hold, 10,000 files: p50 ${sorted[9]} ms, p95 ${sorted[18]} ms\n`)
    repository.remove()
  })
})
