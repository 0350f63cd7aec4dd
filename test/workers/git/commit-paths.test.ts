/**
 * `commit()` over what a repository can be in: what native git would record is committed, all else is refused unchanged. One
 * suite for both implementations; of the second a slice, or with ALL_ROWS=1 all of it.
 */
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commit } from '#dist/index.js'
import type { CommitOptions, CommitResult } from '#dist/index.js'
import { GIT_ENVIRONMENT, GitRepository } from '../../support/git-repository.ts'
import { fc, property } from '../../support/property.ts'
import { ALL_ROWS, rowsInTurn } from '../../support/rows.ts'
import { UserSigner } from '../../support/user-signer.ts'

const REF = 'topic'
/** How the repository is made, and whether its user's commits are signed. */
const IMPLEMENTATIONS = [
  { name: 'by files', init: ['--object-format=sha1'], isSigned: false, isWhole: true },
  { name: 'by plumbing', init: ['--object-format=sha256'], isSigned: false, isWhole: ALL_ROWS },
  {
    name: 'by plumbing, signed',
    init: ['--object-format=sha1'],
    isSigned: true,
    isWhole: ALL_ROWS,
  },
] as const
/** Of the plumbing, every so manieth of the rows that have no mark. */
const EVERY = 12

let repository: GitRepository
let signer: UserSigner | null = null
let at = ''

function begin({ init, isSigned }: (typeof IMPLEMENTATIONS)[number]): void {
  repository = GitRepository.withCommit(['-b', 'main', ...init])
  repository.git('checkout', '-q', '-b', REF)
  signer = isSigned ? new UserSigner() : null
  at = repository.root
}

afterEach(() => {
  repository.remove()
  signer?.remove()
})

/** What of a list is tried here. */
function rowsOf<T>(
  { isWhole, isSigned }: (typeof IMPLEMENTATIONS)[number],
  rows: readonly T[],
  isMarked: (row: T) => boolean = () => false,
): readonly T[] {
  if (isWhole) return rows
  return rowsInTurn(rows, EVERY, (row) => isMarked(row) && !isSigned)
}

const git = (...args: string[]): string => repository.gitIn(at, ...args)
const put = (path: string, text: string | Uint8Array): void => repository.write(path, text, at)
const commitOf = (
  paths: readonly string[],
  more: Partial<CommitOptions> = {},
): Promise<CommitResult> =>
  commit({ root: repository.root, worktree: at, ref: REF, message: 'Ours', paths, ...more })

/** The tree that native git makes of the parent and these paths, by an index of its own. */
function nativeTree(parent: string, paths: readonly string[]): string {
  const index = join(repository.root, '.git', 'native-index')
  const env = { ...GIT_ENVIRONMENT, GIT_INDEX_FILE: index }
  const run = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: at,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  try {
    run('read-tree', parent)
    const ignored = (path: string): string[] =>
      existsSync(join(at, path)) && !isFolder(path) ? ['--force'] : []
    for (const path of paths) {
      if (!existsSync(join(at, path)) && !isLink(path))
        run('rm', '-rq', '--cached', '--', `:(literal)${path}`)
      else run('add', '-A', ...ignored(path), '--', `:(literal)${path}`)
    }
    return run('write-tree').trim()
  } finally {
    rmSync(index, { force: true })
  }
}

/** What is there, links followed or not; null where nothing is, not even a folder for it. */
function kindOf(path: string, look: typeof lstatSync): Stats | null {
  try {
    return look(join(at, path))
  } catch {
    return null
  }
}
const isFolder = (path: string): boolean => kindOf(path, statSync)?.isDirectory() === true
const isLink = (path: string): boolean => kindOf(path, lstatSync)?.isSymbolicLink() === true

/** What is the user's and must stay: all index entries but ours, the stash, what git is in the middle of, the old reflog. */
function users(paths: readonly string[]): object {
  const gitDir = git('rev-parse', '--absolute-git-dir').trim()
  const read = (name: string): string | null =>
    existsSync(join(gitDir, name)) ? readFileSync(join(gitDir, name), 'utf8') : null
  const isOurs = (line: string): boolean => {
    const name = line.slice(line.indexOf('\t') + 1)
    return paths.some((path) => path === '.' || name === path || name.startsWith(`${path}/`))
  }
  const entries = git('ls-files', '-z', '--stage', '-v')
    .split('\0')
    .filter((line) => !isOurs(line))
  return {
    entries,
    stash: git('stash', 'list'),
    states: ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'MERGE_MSG'].map(read),
    branches: git('for-each-ref', '--format=%(refname) %(objectname)').replace(
      /^refs\/heads\/topic .*\n/m,
      '',
    ),
  }
}

type Row = {
  readonly name: string
  readonly arrange: () => readonly string[]
  /** What git has not: then only our own tree is looked at. */
  readonly native?: false
  /** Tried with the plumbing, too, where only a slice is. */
  readonly isMarked?: true
}

const COMMITTED: readonly Row[] = [
  { name: 'a new file', arrange: () => (put('a.txt', 'a'), ['a.txt']) },
  { name: 'a changed file', arrange: () => (put('src/file-0.txt', 'other'), ['src/file-0.txt']) },
  { name: 'an empty file', arrange: () => (put('empty', ''), ['empty']) },
  {
    name: "the user's staging, of all kinds",
    isMarked: true,
    arrange: () => {
      put('staged.txt', 'staged\n')
      put('src/file-1.txt', 'one\ntwo\n')
      git('add', 'staged.txt', 'src/file-1.txt')
      put('src/file-1.txt', 'one\ntwo\nthree\n')
      git('rm', '-q', '--cached', 'src/file-2.txt')
      git('mv', 'src/file-3.txt', 'moved.txt')
      put('later.txt', 'later')
      git('add', '-N', 'later.txt')
      put('ours.txt', 'ours')
      return ['ours.txt']
    },
  },
  {
    name: 'a file that the user has staged otherwise',
    arrange: () => {
      put('src/file-0.txt', 'staged')
      git('add', 'src/file-0.txt')
      put('src/file-0.txt', 'as it is')
      return ['src/file-0.txt']
    },
  },
  ...(
    [
      ['non-ASCII', 'Größe/日本.txt'],
      ['in another normal form', 'e\u0301.txt'],
      ['with quotes, a tab and a newline', 'a "b"\t\\c\nd'],
      ['that is very long', `${'n'.repeat(200)}/${'m'.repeat(200)}`],
      ['that looks like an option', '-rf'],
      ['that looks like a pattern', '*.[ch]?'],
      ['with a colon', ':(top)x'],
    ] as const
  ).map(([name, path]) => ({ name: `a name ${name}`, arrange: () => (put(path, 'x'), [path]) })),
  {
    name: 'names that differ in case only',
    arrange: () => (put('Case', 'a'), put('case', 'b'), ['Case', 'case']),
  },
  {
    name: 'a symbolic link, as one',
    arrange: () => (symlinkSync('/nowhere', join(at, 'link')), ['link']),
  },
  {
    name: 'an executable',
    arrange: () => (put('run', '#!'), chmodSync(join(at, 'run'), 0o755), ['run']),
  },
  {
    name: 'a file that is no longer executable',
    arrange: () => {
      put('run', '#!')
      chmodSync(join(at, 'run'), 0o755)
      git('add', 'run')
      git('commit', '-qm', 'Run')
      chmodSync(join(at, 'run'), 0o644)
      return ['run']
    },
  },
  {
    name: 'a mode that the repository does not honour',
    arrange: () => {
      git('config', 'core.fileMode', 'false')
      put('run', '#!')
      chmodSync(join(at, 'run'), 0o755)
      return ['run']
    },
  },
  {
    name: 'a file that is gone',
    arrange: () => (unlinkSync(join(at, 'src/file-0.txt')), ['src/file-0.txt']),
  },
  {
    name: 'a file that is gone from the index, too',
    arrange: () => (git('rm', '-q', 'src/file-0.txt'), ['src/file-0.txt']),
    native: false,
  },
  {
    name: 'a renamed file',
    arrange: () => {
      renameSync(join(at, 'src/file-0.txt'), join(at, 'renamed.txt'))
      return ['src/file-0.txt', 'renamed.txt']
    },
  },
  {
    name: 'the last file of a folder',
    arrange: () => {
      put('only/one', '1')
      git('add', 'only')
      git('commit', '-qm', 'Only')
      rmSync(join(at, 'only'), { recursive: true })
      return ['only']
    },
  },
  {
    name: 'a file where a folder was, and a folder where a file was',
    arrange: () => {
      rmSync(join(at, 'src'), { recursive: true })
      put('src', 'a file now')
      put('x', '1')
      git('add', 'x')
      git('commit', '-qm', 'X', '--', 'x')
      unlinkSync(join(at, 'x'))
      put('x/y', '2')
      const gone = Array.from({ length: 10 }, (_, n) => `src/file-${n}.txt`)
      return [...gone, 'src', 'x', 'x/y']
    },
    native: false,
  },
  {
    name: 'a folder, with what is new and what is gone, and not what is ignored',
    arrange: () => {
      put('.gitignore', 'ignored\n')
      git('add', '.gitignore')
      git('commit', '-qm', 'Ignore')
      put('src/new/deep.txt', 'x')
      put('src/ignored', 'x')
      unlinkSync(join(at, 'src/file-0.txt'))
      return ['src']
    },
  },
  {
    name: 'the whole worktree',
    arrange: () => (put('a', '1'), put('b/c', '2'), ['.']),
  },
  {
    name: 'an ignored file that is named',
    arrange: () => (put('.gitignore', 'ignored\n'), put('ignored', 'x'), ['ignored']),
  },
  ...(['2', '3', '4'] as const).map((version) => ({
    name: `an index of version ${version}`,
    ...(version === '4' ? { isMarked: true as const } : {}),
    arrange: () => {
      if (version === '3') git('update-index', '--skip-worktree', 'src/file-9.txt')
      else git('update-index', '--index-version', version)
      put('src/file-00.txt', 'between')
      put('src/file-5.txt', 'changed')
      unlinkSync(join(at, 'src/file-3.txt'))
      return ['src/file-00.txt', 'src/file-5.txt', 'src/file-3.txt']
    },
  })),
  {
    name: 'a split index',
    isMarked: true,
    arrange: () => {
      git('update-index', '--split-index')
      put('src/file-7.txt', 'staged')
      git('add', 'src/file-7.txt')
      git('rm', '-q', '--cached', 'src/file-8.txt')
      put('n', 'new')
      git('add', 'n')
      put('ours', 'x')
      return ['ours', 'src/file-1.txt']
    },
  },
  {
    name: 'an untracked cache and a configured monitor',
    arrange: () => {
      git('update-index', '--untracked-cache')
      git('status')
      git('config', 'core.fsmonitor', 'false')
      put('ours', 'x')
      return ['ours']
    },
  },
  {
    name: 'packed references and packed objects with deltas',
    isMarked: true,
    arrange: () => {
      for (let n = 0; n < 5; n += 1) {
        put('long', `${'line\n'.repeat(200)}${n}`)
        git('add', 'long')
        git('commit', '-qm', `Long ${n}`, '--', 'long')
      }
      git('gc', '-q')
      git('pack-refs', '--all')
      put('long', 'short')
      return ['long']
    },
  },
  {
    name: 'attributes of text and line ends',
    arrange: () => {
      put('.gitattributes', '*.txt text\n*.bin -text\n*.auto text=auto\n*.crlf eol=crlf\n')
      for (const name of ['a.txt', 'a.bin', 'a.auto', 'a.crlf', 'a.none'])
        put(name, 'x\r\ny\r\nlone\n')
      put('binary.auto', 'x\r\n\0y\r\n')
      put('alone.auto', 'x\ry\r\n')
      return ['a.txt', 'a.bin', 'a.auto', 'a.crlf', 'a.none', 'binary.auto', 'alone.auto']
    },
  },
  ...(['true', 'input', 'false'] as const).map((value) => ({
    name: `core.autocrlf ${value}`,
    arrange: () => {
      put('has.txt', 'x\r\n')
      git('-c', 'core.autocrlf=false', 'add', 'has.txt')
      git('commit', '-qm', 'Has', '--', 'has.txt')
      git('config', 'core.autocrlf', value)
      put('has.txt', 'x\r\ny\r\n')
      put('new.txt', 'x\r\ny\r\n')
      return ['has.txt', 'new.txt']
    },
  })),
  {
    name: 'a linked worktree',
    isMarked: true,
    arrange: () => {
      git('checkout', '-q', 'main')
      at = realpathSync(dirname(repository.root))
      at = join(at, `linked-${Date.now()}`)
      repository.git('worktree', 'add', '-q', at, REF)
      put('ours', 'x')
      return ['ours']
    },
  },
  {
    name: 'a sparse checkout that has the path',
    arrange: () => {
      put('in/one', '1')
      git('add', 'in')
      git('commit', '-qm', 'In', '--', 'in')
      git('sparse-checkout', 'set', 'in')
      put('in/two', '2')
      return ['in/two']
    },
  },
  {
    name: 'a merge that waits, of other files',
    isMarked: true,
    arrange: () => (mergeOf('side'), put('ours', 'x'), ['ours']),
  },
  {
    name: 'a merge in conflict, of other files',
    arrange: () => (conflictOf('merge'), put('ours', 'x'), ['ours']),
  },
  {
    name: 'a cherry-pick in conflict, of other files',
    arrange: () => (conflictOf('cherry-pick'), put('ours', 'x'), ['ours']),
  },
  {
    name: 'a cherry-pick that is only staged',
    arrange: () => (sideWith('side'), git('cherry-pick', '-n', 'side'), put('ours', 'x'), ['ours']),
  },
  {
    name: 'a revert that waits',
    arrange: () => {
      put('src/file-5.txt', 'five')
      git('commit', '-qam', 'Five')
      put('src/file-5.txt', 'again')
      git('commit', '-qam', 'Again')
      repository.tryGit('revert', '--no-edit', 'HEAD~1')
      put('ours', 'x')
      return ['ours']
    },
  },
  {
    name: 'hooks, which are not run',
    isMarked: true,
    arrange: () => {
      for (const name of ['pre-commit', 'commit-msg', 'post-commit', 'reference-transaction']) {
        put(`.git/hooks/${name}`, '#!/bin/sh\ntouch ran\nexit 1\n')
        chmodSync(join(at, '.git/hooks', name), 0o755)
      }
      put('ours', 'x')
      return ['ours']
    },
  },
]

function sideWith(name: string, file = 'side.txt'): void {
  git('checkout', '-q', '-b', name)
  put(file, name)
  git('add', file)
  git('commit', '-qm', name)
  git('checkout', '-q', REF)
}

function mergeOf(name: string): void {
  sideWith(name)
  git('merge', '-q', '--no-ff', '--no-commit', name)
}

function conflictOf(how: 'merge' | 'cherry-pick', file = 'src/file-0.txt'): void {
  sideWith('side', file)
  put(file, 'ours')
  git('commit', '-qam', 'Ours')
  expect(repository.tryGit(how, 'side').code).toBe(1)
}

describe.each(IMPLEMENTATIONS)('a commit of paths, $name,', (implementation) => {
  const { isSigned, isWhole } = implementation
  beforeEach(() => begin(implementation))

  it.each(rowsOf(implementation, COMMITTED, ({ isMarked }) => isMarked === true))(
    'is made of $name',
    async ({ arrange, native = true }) => {
      const paths = arrange()
      const parent = git('rev-parse', 'HEAD').trim()
      const expected = native ? nativeTree(parent, paths) : null
      const before = users(paths)
      const status = new Set(git('status', '--porcelain', '-z', '-uall').split('\0'))
      const reflog = git('reflog', '--format=%H %gs')
      const made = await commitOf(paths)
      expect(made).toMatchObject({ ref: REF, sha: git('rev-parse', 'HEAD').trim(), warnings: [] })
      expect(git('log', '-1', '--format=%P %s').trim()).toBe(`${parent} Ours`)
      if (expected !== null) expect(git('rev-parse', 'HEAD^{tree}').trim()).toBe(expected)
      const shown = git('diff-tree', '-r', '-z', '--no-renames', '--name-only', parent, 'HEAD')
        .split('\0')
        .filter(Boolean)
      expect([...made.changed_files].sort()).toEqual(shown.sort())
      expect(users(paths)).toEqual(before)
      // Nothing is shown as changed that was not before, and nothing of ours.
      for (const line of git('status', '--porcelain', '-z', '-uall').split('\0'))
        expect(status).toContain(line)
      expect(git('reflog', '--format=%H %gs')).toBe(`${made.sha} commit: Ours\n${reflog}`)
      expect(git('fsck', '--strict', '--no-dangling')).toBe('')
      expect(existsSync(join(at, 'ran'))).toBe(false)
      expect(/^gpgsig/m.test(git('cat-file', 'commit', 'HEAD'))).toBe(isSigned)
    },
  )

  it.runIf(isWhole || !isSigned)(
    'of a shallow clone and of one that borrows its objects is made, too',
    async () => {
      // The branch that a remote calls its default is protected.
      git('checkout', '-q', 'main')
      for (const options of [
        ['--depth=1', `file://${repository.root}`],
        ['--shared', repository.root],
      ]) {
        const clone = mkdtempSync(join(realpathSync(tmpdir()), 'kittiwake-clone-'))
        try {
          repository.git('clone', '-q', '--branch', REF, ...options, clone)
          writeFileSync(join(clone, 'ours'), 'x')
          const made = await commit({
            root: clone,
            worktree: clone,
            ref: REF,
            message: 'Ours',
            paths: ['ours'],
          })
          expect(repository.gitIn(clone, 'rev-parse', 'HEAD').trim()).toBe(made.sha)
          expect(repository.gitIn(clone, 'fsck', '--strict', '--no-dangling')).toBe('')
        } finally {
          rmSync(clone, { recursive: true })
        }
      }
    },
  )

  it.runIf(isWhole)('is made through a link to the worktree, and by absolute paths', async () => {
    const link = `${repository.root}-link`
    symlinkSync(repository.root, link)
    try {
      put('ours', 'x')
      put('more', 'y')
      const options = { root: link, worktree: link, ref: REF, message: 'Ours' }
      const paths = [join(link, 'ours'), join(repository.root, 'more')]
      const call = commit({ ...options, paths })
      // What the caller makes of its list afterwards is not seen.
      paths.splice(0, 2, '../outside')
      const made = await call
      expect(made.changed_files).toEqual(['ours', 'more'])
    } finally {
      unlinkSync(link)
    }
  })

  it.runIf(isWhole)('is made while git collects its garbage', async () => {
    for (let n = 0; n < 5; n += 1) {
      put('ours', String(n))
      const [made, collected] = await Promise.all([
        commitOf(['ours']),
        Promise.resolve(repository.tryGit('gc', '-q', '--prune=now')),
      ])
      expect(collected.code).toBe(0)
      expect(git('rev-parse', 'HEAD').trim()).toBe(made.sha)
    }
    expect(git('fsck', '--strict', '--no-dangling')).toBe('')
  })

  it.runIf(isWhole)('is heard of by the sanitizer: its message names nobody', async () => {
    put('ours', 'x')
    await commitOf(['ours'], { message: 'Fix for jane.doe@otherfirm.example' })
    expect(git('log', '-1', '--format=%s')).not.toContain('jane.doe')
  })
})

const REFUSED: readonly (readonly [string, string, () => Partial<CommitOptions>])[] = [
  ['a full reference', 'DESTINATION_REF_SHAPE', () => ({ ref: 'refs/heads/topic' })],
  ['no path', 'EMPTY_CHANGESET', () => ({ paths: [] })],
  ['a folder that is no worktree', 'NOT_A_WORKTREE', () => ({ worktree: join(at, 'src') })],
  ['a worktree of another repository', 'NOT_A_WORKTREE', () => ({ worktree: tmpdir() })],
  ['another branch than the one that is checked out', 'HEAD_MISMATCH', () => ({ ref: 'main' })],
  ['a branch that is not there', 'HEAD_MISMATCH', () => ({ ref: 'nowhere' })],
  ['a detached HEAD', 'HEAD_MISMATCH', () => (git('checkout', '-q', '--detach'), {})],
  [
    'a rebase under way',
    'HEAD_MISMATCH',
    () => {
      put('src/file-0.txt', 'second')
      git('commit', '-qam', 'Second')
      git('-c', 'sequence.editor=sed -i s/^pick/edit/', 'rebase', '-qi', 'HEAD~1')
      return {}
    },
  ],
  ['a bisect under way', 'HEAD_MISMATCH', () => (git('bisect', 'start'), {})],
  [
    'a branch without a commit',
    'DESTINATION_NOT_FOUND',
    () => (git('checkout', '-q', '--orphan', 'fresh'), { ref: 'fresh' }),
  ],
  [
    'a protected branch',
    'PROTECTED_BRANCH',
    () => (git('checkout', '-q', 'main'), { ref: 'main' }),
  ],
  [
    'a branch that a pattern protects',
    'PROTECTED_BRANCH',
    () => (put('.kittify/config.yaml', 'protection:\n  protected_branches: ["to?ic"]\n'), {}),
  ],
  [
    'a branch whose protection can not be read',
    'PROTECTED_BRANCH',
    () => (put('.kittify/config.yaml', 'protection: [\n'), {}),
  ],
  ['a path of nothing', 'PATH_POLICY', () => ({ paths: ['nothing'] })],
  ['a path that leads out', 'PATH_POLICY', () => ({ paths: ['../out'] })],
  ['a path that comes back', 'PATH_POLICY', () => ({ paths: ['src/../ours'] })],
  ['an absolute path outside', 'PATH_POLICY', () => ({ paths: [join(tmpdir(), 'x')] })],
  ['the folder of git', 'PATH_POLICY', () => ({ paths: ['.git/config'] })],
  [
    'the folder of git in disguise',
    'PATH_POLICY',
    () => (put('.g\u200cit/x', ''), { paths: ['.g\u200cit/x'] }),
  ],
  ['the folder of git in capitals', 'PATH_POLICY', () => ({ paths: ['.GIT/x'] })],
  [
    'the folder of worktrees',
    'PATH_POLICY',
    () => (put('.worktrees/x', ''), { paths: ['.worktrees/x'] }),
  ],
  [
    'a path through a link',
    'PATH_POLICY',
    () => (symlinkSync(tmpdir(), join(at, 'out')), { paths: ['out/x'] }),
  ],
  [
    'a repository inside',
    'PATH_POLICY',
    () => (repository.git('init', '-q', 'nested'), put('nested/x', ''), { paths: ['nested/x'] }),
  ],
  [
    'a submodule',
    'PATH_POLICY',
    () => {
      const oid = git('rev-parse', 'HEAD').trim()
      mkdirSync(join(at, 'module'))
      git('update-index', '--add', '--cacheinfo', `160000,${oid},module`)
      return { paths: ['module/x'] }
    },
  ],
  [
    'a pipe',
    'PATH_POLICY',
    () => (execFileSync('mkfifo', [join(at, 'pipe')]), { paths: ['pipe'] }),
  ],
  [
    'a path under a filter',
    'PATH_POLICY',
    () => {
      put('.gitattributes', 'ours filter=evil\n')
      git('config', 'filter.evil.clean', 'touch ran')
      return {}
    },
  ],
  [
    'a path that a program encodes',
    'PATH_POLICY',
    () => (put('.gitattributes', 'ours working-tree-encoding=UTF-16\n'), {}),
  ],
  [
    'a path that is left out of a sparse checkout',
    'PATH_POLICY',
    () => (git('sparse-checkout', 'set', 'in'), { paths: ['src/file-0.txt'] }),
  ],
  [
    'a path in conflict',
    'PATH_CONFLICTED',
    () => (conflictOf('merge'), { paths: ['src/file-0.txt'] }),
  ],
  [
    'a path that a merge has changed',
    'PATH_CONFLICTED',
    () => (mergeOf('side'), { paths: ['side.txt'] }),
  ],
  ['a path as it is', 'EMPTY_CHANGESET', () => ({ paths: ['src/file-0.txt'] })],
  ['an empty message', 'MESSAGE', () => ({ message: ' \n' })],
  ['a capability that is none', 'CAPABILITY', () => ({ capability: 'root' as never })],
  ['a lock of git', 'LOCKED', () => (writeFileSync(join(at, '.git/index.lock'), ''), {})],
]

describe.each(IMPLEMENTATIONS)('a commit of paths, $name,', (implementation) => {
  beforeEach(() => begin(implementation))

  it.each(rowsOf(implementation, REFUSED))(
    'is refused for %s (%s), and nothing is changed',
    async (_, code, arrange) => {
      put('ours', 'x')
      const options = arrange()
      const before = [git('rev-parse', '--all'), users([]), git('status', '--porcelain', '-uall')]
      await expect(commitOf(['ours'], options)).rejects.toMatchObject({
        code: `SAFE_COMMIT_${code}`,
      })
      expect([git('rev-parse', '--all'), users([]), git('status', '--porcelain', '-uall')]).toEqual(
        before,
      )
      expect(existsSync(join(at, 'ran'))).toBe(false)
      if (code === 'LOCKED') expect(existsSync(join(at, '.git/index.lock'))).toBe(true)
    },
  )

  it.runIf(implementation.isWhole)('says which of the paths it was', async () => {
    put('ours', 'x')
    await expect(commitOf(['ours', 'nothing'])).rejects.toMatchObject({
      details: { offending_path: 'nothing' },
    })
  })

  it.runIf(implementation.isWhole)(
    'lands on a protected branch only by a capability that is said',
    async () => {
      git('checkout', '-q', 'main')
      put('ours', 'x')
      const made = await commitOf(['ours'], { ref: 'main', capability: 'release_flow' })
      expect(git('rev-parse', 'main').trim()).toBe(made.sha)
    },
  )

  it.runIf(implementation.isWhole)(
    'reclaims a lock on proof that it is ours and its owner is dead',
    async () => {
      put('ours', 'x')
      await commitOf(['ours'])
      const state = join(at, '.git/kittiwake')
      const temporary = join(state, 'tmp-1-dead')
      const lock = join(at, '.git/index.lock')
      writeFileSync(temporary, '')
      linkSync(temporary, lock)
      const locks = [{ path: lock, temporary, identity: null }]
      const branchLock = join(at, `.git/refs/heads/${REF}.lock`)
      writeFileSync(
        join(state, 'journal.json'),
        JSON.stringify({ version: 1, locks, branchLock, reflogs: [] }),
      )
      put('ours', 'y')
      await commitOf(['ours'])
      expect(existsSync(lock)).toBe(false)
    },
  )
})

describe.each(IMPLEMENTATIONS)('any worktree, $name,', (implementation) => {
  const name = fc.constantFrom('a', 'b', 'A', 'é', 'x y', '.hidden', 'long'.repeat(20))
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'))
  const content = fc.constantFrom('', 'x\n', 'x\r\ny\r\n', 'x\r\n\0', '\r\r\n', '\u0001\u0002\r\n')
  const change = fc.record({
    path,
    kind: fc.constantFrom('write', 'write', 'executable', 'link', 'remove'),
    content,
  })
  const attributes = fc.constantFrom(
    '',
    '* text=auto\n',
    '* text\n',
    'a text\nb -text\n',
    '* eol=lf\n',
  )

  property(
    [
      fc.array(change, { minLength: 1, maxLength: 8 }),
      fc.array(change, { maxLength: 8 }),
      attributes,
    ],
    {
      numRuns: implementation.isWhole ? 12 : 1,
    },
  )('is committed as native git would', async (first, second, text) => {
    begin(implementation)
    try {
      put('.gitattributes', text)
      for (const one of first) apply(one)
      git('add', '-A')
      git('commit', '-q', '--allow-empty', '-m', 'Native')
      for (const one of second) apply(one)
      const parent = git('rev-parse', 'HEAD').trim()
      const expected = nativeTree(parent, ['.'])
      const isEmpty = expected === git('rev-parse', 'HEAD^{tree}').trim()
      if (isEmpty) {
        await expect(commitOf(['.'])).rejects.toMatchObject({ code: 'SAFE_COMMIT_EMPTY_CHANGESET' })
        return
      }
      await commitOf(['.'])
      expect(git('rev-parse', 'HEAD^{tree}').trim()).toBe(expected)
      expect(git('status', '--porcelain')).toBe('')
      expect(git('fsck', '--strict', '--no-dangling')).toBe('')
    } finally {
      repository.remove()
      signer?.remove()
    }
  })

  function apply({
    path: given,
    kind,
    content: text,
  }: {
    path: string
    kind: string
    content: string
  }): void {
    const full = join(at, given)
    // Whatever is in the way goes.
    const names = given.split('/')
    for (let depth = 1; depth < names.length; depth += 1) {
      const folder = names.slice(0, depth).join('/')
      if (!isFolder(folder)) rmSync(join(at, folder), { force: true })
    }
    rmSync(full, { recursive: true, force: true })
    if (kind === 'remove') return
    mkdirSync(dirname(full), { recursive: true })
    if (kind === 'link') symlinkSync(`to ${text.length}`, full)
    else appendFileSync(full, text)
    if (kind === 'executable') chmodSync(full, 0o755)
  }
})
