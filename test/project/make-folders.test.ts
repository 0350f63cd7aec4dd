/** Folders that are missing, and places where none can be made: nothing there goes round for ever. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { makeFolders } from '#dist/project/files/make-folders.js'
import { systemCode } from '#dist/errors.js'
import { Program } from '../support/program.ts'
import { PROJECT, temporaryFolder } from '../support/store-fixtures.ts'

const onLinux = it.runIf(process.platform === 'linux')
const BELOW_PROC = '/proc/kittiwake/state'
/** Longer than a command takes on a busy machine. */
const DEADLINE_MS = 20_000

describe('folders', () => {
  it('are made where they are missing, and the outermost new one is told', () => {
    const root = temporaryFolder()
    const path = join(root, 'a', 'b', 'c')
    expect(makeFolders(path, 0o700)).toBe(join(root, 'a'))
    expect(statSync(path).mode & 0o777).toBe(0o700)
    expect(makeFolders(path)).toBeNull()
  })

  it('are those that a link leads to', () => {
    const root = temporaryFolder()
    mkdirSync(join(root, 'real'))
    symlinkSync('real', join(root, 'link'))
    expect(makeFolders(join(root, 'link', 'new'))).toBe(join(root, 'link', 'new'))
    expect(existsSync(join(root, 'real', 'new'))).toBe(true)
  })

  it('are not made in the place of a file, below one, or behind a link to nothing', () => {
    const root = temporaryFolder()
    writeFileSync(join(root, 'file'), '')
    symlinkSync('nowhere', join(root, 'loose'))
    for (const path of ['file', 'file/below/it', 'loose']) {
      expect(
        codeOf(() => makeFolders(join(root, path))),
        path,
      ).toMatch(/^(?:EEXIST|ENOTDIR)$/)
    }
  })
})

describe('a state directory that can not be', () => {
  // As real programs: what goes round for ever takes this process with it.
  onLinux('is refused below `/proc`, and below a file; every command ends', async () => {
    const cwd = temporaryFolder()
    execFileSync('git', ['init', '-q', cwd])
    writeFileSync(join(cwd, 'file'), '')
    const rows: readonly (readonly [home: string, words: string, code: number, told: string])[] = [
      [BELOW_PROC, `schema --out ${BELOW_PROC}`, 1, 'SCHEMAS_UNWRITABLE'],
      [BELOW_PROC, 'init', 1, 'STATE_UNREACHABLE'],
      [BELOW_PROC, 'hub token create --team t --user u', 1, 'HUB_DATA_UNUSABLE'],
      [join(cwd, 'file'), 'init', 1, 'STATE_UNREACHABLE'],
      [join(cwd, 'file'), 'sync logs', 0, '"ok":true'],
      [join(cwd, 'file'), `sync purge --yes --project ${PROJECT}`, 0, '"purged":false'],
    ]
    for (const [home, words, code, told] of rows) {
      const place = { cwd, env: { ...process.env, KITTIWAKE_HOME: home } }
      const program = new Program(place, words.split(' '))
      program.child.stdin?.end()
      const killer = setTimeout(() => program.child.kill('SIGKILL'), DEADLINE_MS)
      expect(await program.ended, words).toBe(code)
      clearTimeout(killer)
      expect(JSON.stringify(program.documents), words).toContain(told)
    }
  })

  onLinux('is refused where the home of the user is relative', async () => {
    const cwd = temporaryFolder()
    execFileSync('git', ['init', '-q', cwd])
    const { KITTIWAKE_HOME: _, XDG_DATA_HOME: __, ...env } = process.env
    for (const home of [{ HOME: '' }, { HOME: 'home' }, { XDG_DATA_HOME: 'data' }]) {
      const program = new Program({ cwd, env: { ...env, ...home } }, ['init'])
      expect(await program.ended).toBe(1)
      expect(program.documents).toMatchObject([{ error: { code: 'STATE_RELATIVE' } }])
    }
    expect(readdirSync(cwd)).toEqual(['.git'])
  })

  it('keeps no inspector from showing what there is until it is interrupted', async () => {
    const cwd = temporaryFolder()
    execFileSync('git', ['init', '-q', cwd])
    writeFileSync(join(cwd, 'file'), '')
    const place = { cwd, env: { ...process.env, KITTIWAKE_HOME: join(cwd, 'file') } }
    const program = new Program(place, ['inspect', '--text'])
    await vi.waitFor(() => expect(program.err).toContain('no link: '), DEADLINE_MS)
    await program.saw(({ type, name }) => type === '@xstate.actor' && name === 'supervisor')
    await program.end('SIGINT')
    expect(await program.ended).toBe(130)
  })
})

function codeOf(work: () => unknown): string | null {
  try {
    work()
    return null
  } catch (error) {
    return systemCode(error)
  }
}
