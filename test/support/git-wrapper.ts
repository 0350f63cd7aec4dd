/** A git before the real one on the search path: it notes what it is asked, and does something else first where a test says so. */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

export class GitWrapper {
  readonly folder = mkdtempSync(join(realpathSync(tmpdir()), 'kittiwake-wrapper-'))
  readonly #before = process.env['PATH']

  /** `script` is of the shell; `$@` is what git is asked. */
  constructor(script = '') {
    const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()
    const path = join(this.folder, 'git')
    const notes = `echo "$$ $*" >> '${this.#log}'`
    writeFileSync(path, `#!/bin/sh\n${notes}\n${script}\nexec '${real}' "$@"\n`)
    chmodSync(path, 0o755)
    process.env['PATH'] = [this.folder, this.#before].join(delimiter)
  }

  get #log(): string {
    return join(this.folder, 'log')
  }

  /** The process ids of those runs that were asked for a command of git's. */
  runs(command: string): readonly number[] {
    const lines = existsSync(this.#log) ? readFileSync(this.#log, 'utf8').split('\n') : []
    return lines.filter((line) => line.includes(` ${command} `)).map((line) => parseInt(line, 10))
  }

  remove(): void {
    process.env['PATH'] = this.#before
    rmSync(this.folder, { recursive: true, force: true })
  }
}
