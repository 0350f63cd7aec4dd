/** Real repositories made by native git in temporary folders, away from the settings of whoever runs the tests. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { devNull, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { removeFolder } from './remove-folder.ts'

export type NativeRun = { readonly code: number | null; readonly output: string }

export type Placement = {
  readonly mission: {
    readonly directory: string
    readonly mission_id: string
    readonly slug: string
    readonly topology: 'coord'
    readonly target_branch: string
    readonly coordination_branch: string
  }
  readonly worktree: string
  readonly gitDir: string
  readonly commonDir: string
  readonly ref: string
  readonly missionPath: string
}

/** The ledger file that the tests commit. */
export const LEDGER = 'kitty-specs/first-01J00000/decisions.events.jsonl'
export const BRANCH = 'kitty/mission-first-01J00000'

/** What objects are named by where a test does not say it; `npm run test:plumbing` says SHA-256. */
export const OBJECT_FORMAT = process.env['KITTIWAKE_OBJECT_FORMAT'] ?? 'sha1'

/** What native git sees: no configuration but the repository's, a fixed author, English, no prompts. */
export const GIT_ENVIRONMENT: NodeJS.ProcessEnv = {
  PATH: process.env['PATH'],
  HOME: devNull,
  LC_ALL: 'C',
  GIT_CONFIG_GLOBAL: devNull,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Native User',
  GIT_AUTHOR_EMAIL: 'native@example.test',
  GIT_COMMITTER_NAME: 'Native User',
  GIT_COMMITTER_EMAIL: 'native@example.test',
  GIT_MERGE_AUTOEDIT: 'no',
  GIT_EDITOR: 'true',
}

export class GitRepository {
  /** The primary checkout; real path. */
  readonly root: string
  readonly #worktrees: string[] = []
  readonly #gitDirs = new Map<string, { gitDir: string; commonDir: string }>()

  constructor(initArguments: readonly string[] = []) {
    this.root = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-git-')))
    const format = `--object-format=${OBJECT_FORMAT}`
    this.git('init', '-q', '-b', BRANCH, format, ...initArguments)
    this.git('config', 'gc.auto', '0')
  }

  /** A repository with one commit of ten files. */
  static withCommit(initArguments: readonly string[] = []): GitRepository {
    const repository = new GitRepository(initArguments)
    for (let index = 0; index < 10; index += 1) {
      repository.write(`src/file-${index}.txt`, `line ${index}\n`)
    }
    repository.git('add', '.')
    repository.git('commit', '-qm', 'First')
    return repository
  }

  /** Runs native git in a folder of the repository; throws where it fails. */
  git(...args: string[]): string {
    return this.gitIn(this.root, ...args)
  }

  gitIn(cwd: string, ...args: string[]): string {
    const stdio = ['ignore', 'pipe', 'pipe'] as const
    const maxBuffer = 64 * 1024 * 1024
    return execFileSync('git', args, {
      cwd,
      env: GIT_ENVIRONMENT,
      encoding: 'utf8',
      stdio: [...stdio],
      maxBuffer,
    })
  }

  /** Runs native git where a failure is an answer too. */
  tryGit(...args: string[]): NativeRun {
    const { status, stdout, stderr } = spawnSync('git', args, {
      cwd: this.root,
      env: GIT_ENVIRONMENT,
      encoding: 'utf8',
    })
    return { code: status, output: `${stdout}${stderr}` }
  }

  write(path: string, text: string | Uint8Array, worktree = this.root): void {
    const absolute = join(worktree, path)
    mkdirSync(dirname(absolute), { recursive: true })
    writeFileSync(absolute, text)
  }

  read(path: string, worktree = this.root): string {
    return readFileSync(join(worktree, path), 'utf8')
  }

  /** A linked worktree with a new branch checked out, beside the primary checkout. */
  addWorktree(branch: string): string {
    const path = `${this.root}-worktree-${this.#worktrees.length}`
    this.git('worktree', 'add', '-q', '-b', branch, path)
    this.#worktrees.push(path)
    return path
  }

  placement(worktree = this.root, ref = `refs/heads/${BRANCH}`): Placement {
    return {
      mission: {
        directory: 'first-01J00000',
        mission_id: '01J00000000000000000000000',
        slug: 'first',
        topology: 'coord',
        target_branch: 'main',
        coordination_branch: BRANCH,
      },
      worktree,
      ...this.#findGitDirs(worktree),
      ref,
      missionPath: dirname(join(worktree, LEDGER)),
    }
  }

  #findGitDirs(worktree: string): { gitDir: string; commonDir: string } {
    const known = this.#gitDirs.get(worktree)
    if (known !== undefined) return known
    const wanted = ['--path-format=absolute', '--git-dir', '--git-common-dir']
    const [gitDir = '', commonDir = ''] = this.gitIn(worktree, 'rev-parse', ...wanted).split('\n')
    const found = { gitDir, commonDir }
    this.#gitDirs.set(worktree, found)
    return found
  }

  /** The commit that the mission's branch is at, read from its loose file. */
  tip(): string {
    return this.read(`.git/refs/heads/${BRANCH}`).trim()
  }

  /** What `git fsck --strict` has to complain about. */
  fsck(): string {
    const { code, output } = this.tryGit('fsck', '--strict', '--no-dangling', '--no-progress')
    return code === 0 ? output.trim() : `exit ${code}: ${output}`
  }

  remove(): void {
    for (const path of [this.root, ...this.#worktrees]) removeFolder(path)
  }
}
