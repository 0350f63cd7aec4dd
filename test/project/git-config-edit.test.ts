/** A change of git's configuration is whole, durable and under git's own lock; what others did to the file stays. */
import { chmodSync, existsSync, linkSync, lstatSync, mkdirSync, readdirSync } from 'node:fs'
import { readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { editGitConfig, healGitConfig } from '#dist/project/git/git-config-edit.js'
import { GitRepository } from '../support/git-repository.ts'

const KEY = 'merge.gull.driver'
const VALUE = 'a "driver" # of; 100%%'
let repository: GitRepository

beforeEach(() => {
  repository = GitRepository.withCommit()
  repository.git('config', 'user.nickname', 'kept')
})
afterEach(() => repository.remove())

const inGit = (name: string): string => join(repository.root, '.git', name)
const place = () => ({ worktree: repository.root, commonDir: inGit('') })
const edit = (value: string | null = VALUE) => editGitConfig(place(), { [KEY]: value })
const valueOf = (key: string): string => repository.git('config', '--local', key).trim()
const left = () => readdirSync(inGit('')).filter((name) => /kittiwake-|\.lock$/.test(name))

/** Whenever git is told to change a file, it is this that does it; `$GIT` is git. */
function inPlaceOfGit(script: string): void {
  const git = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()
  const folder = `${repository.root}-bin`
  mkdirSync(folder)
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const lines = ['#!/bin/sh', `GIT='${git}'`, `cd '${repository.root}'`, script, 'exec "$GIT" "$@"']
  writeFileSync(join(folder, 'git'), lines.join('\n'))
  chmodSync(join(folder, 'git'), 0o755)
  vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`)
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
}

describe("a change of git's configuration", () => {
  it('sets and takes away, and leaves all else as it was', async () => {
    const before = repository.read('.git/config')
    await edit()
    expect(valueOf(KEY)).toBe(VALUE)
    expect(repository.read('.git/config').startsWith(before)).toBe(true)
    await edit(null)
    await edit(null)
    expect(repository.read('.git/config')).toBe(before)
    expect(left()).toEqual([])
  })

  it.each([0o600, 0o664])('keeps the mode %o', async (mode) => {
    chmodSync(inGit('config'), mode)
    await edit()
    expect(lstatSync(inGit('config')).mode & 0o777).toBe(mode)
  })

  it('is made where a link leads', async () => {
    renameSync(inGit('config'), inGit('elsewhere'))
    symlinkSync('elsewhere', inGit('config'))
    await edit()
    expect(lstatSync(inGit('config')).isSymbolicLink()).toBe(true)
    expect(readFileSync(inGit('elsewhere'), 'utf8')).toContain('[merge "gull"]')
  })

  it('is made again over what another program changed meanwhile', async () => {
    inPlaceOfGit('[ -e .git/met ] || { : > .git/met; "$GIT" config user.nickname theirs; }')
    await edit()
    expect(existsSync(inGit('met'))).toBe(true)
    expect([valueOf(KEY), valueOf('user.nickname')]).toEqual([VALUE, 'theirs'])
  })

  it('is refused where others change the file all the time', async () => {
    inPlaceOfGit('"$GIT" config --add user.count 1')
    await expect(edit()).rejects.toMatchObject({ code: 'GIT_FAILED' })
    expect(repository.read('.git/config')).not.toContain('gull')
    expect(left()).toEqual([])
  })

  it("is refused under git's lock, which stays", async () => {
    const before = repository.read('.git/config')
    writeFileSync(inGit('config.lock'), '')
    healGitConfig(place())
    await expect(edit()).rejects.toMatchObject({ code: 'GIT_FAILED' })
    expect(repository.read('.git/config')).toBe(before)
    expect(left()).toEqual(['config.lock'])
  })
})

describe('what is left of a change that died', () => {
  it('goes, the lock too where it is provably ours', () => {
    const copy = '.config.kittiwake-0123456789abcdef.tmp'
    for (const name of [copy, `${copy}.lock`]) writeFileSync(inGit(name), 'copy')
    linkSync(inGit(copy), inGit('config.lock'))
    healGitConfig(place())
    expect(left()).toEqual([])
  })

  it('proves no other lock ours', () => {
    writeFileSync(inGit('.config.kittiwake-0123456789abcdef.tmp'), 'copy')
    writeFileSync(inGit('config.lock'), 'copy')
    healGitConfig(place())
    expect(left()).toEqual(['config.lock'])
  })
})
