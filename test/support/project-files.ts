/** A repository with project files of any age, and the program run on it inside this process. */
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { runIn } from '#dist/cli/run.js'
import { GIT_ENVIRONMENT } from './git-repository.ts'

export type InProcess = {
  readonly code: number
  readonly out: string
  readonly err: string
  /** Both streams, in the order in which they were written. */
  readonly both: string
}

const METADATA = '.kittify/metadata.yaml'

export class ProjectFiles {
  readonly root: string
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-files-')))

  constructor() {
    this.root = join(this.folder, 'project')
    mkdirSync(this.root)
    this.git('init', '-q', '-b', 'main')
    this.git('commit', '-q', '--allow-empty', '-m', 'Begin')
  }

  git(...args: string[]): string {
    const stdio = ['ignore', 'pipe', 'pipe'] as const
    const options = { cwd: this.root, env: GIT_ENVIRONMENT, encoding: 'utf8' } as const
    return execFileSync('git', args, { ...options, stdio: [...stdio] }).trimEnd()
  }

  write(path: string, content: string | Uint8Array, root = this.root): void {
    const absolute = join(root, path)
    mkdirSync(dirname(absolute), { recursive: true })
    writeFileSync(absolute, content)
  }

  read(path: string, root = this.root): string {
    return readFileSync(join(root, path), 'utf8')
  }

  get metadata(): string {
    return this.read(METADATA)
  }

  set metadata(content: string | Uint8Array) {
    this.write(METADATA, content)
  }

  /** Every file below the root but git's own, by its path. */
  files(root = this.root): Readonly<Record<string, string>> {
    const paths = readdirSync(root, { recursive: true, encoding: 'utf8', withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !path.slice(root.length).startsWith('/.git/'))
    return Object.fromEntries(paths.sort().map((path) => [path, readFileSync(path, 'latin1')]))
  }

  /** Runs a command of the program in this process, which has the state directory of this test. */
  async run(args: readonly string[], cwd = this.root, input = ''): Promise<InProcess> {
    const said = { out: '', err: '', both: '' }
    const into = (name: 'out' | 'err') =>
      new Writable({
        decodeStrings: false,
        write(text: string | Buffer, _encoding, done) {
          said[name] += text.toString()
          said.both += text.toString()
          done()
        },
      })
    const context = {
      env: process.env,
      colorDepth: 1,
      cwd,
      stdin: Readable.from([input]),
      stdout: into('out'),
      stderr: into('err'),
      signal: new AbortController().signal,
    }
    const before = process.env['KITTIWAKE_HOME']
    process.env['KITTIWAKE_HOME'] = join(this.folder, 'state')
    try {
      const code = await runIn(args, context)
      return { code, ...said }
    } finally {
      if (before === undefined) delete process.env['KITTIWAKE_HOME']
      else process.env['KITTIWAKE_HOME'] = before
    }
  }

  get isInitialized(): boolean {
    return existsSync(join(this.root, METADATA))
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 })
  }
}
