import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import envPaths from 'env-paths'
import { describe, expect, it } from 'vitest'

import {
  isDefaultStateDirectory,
  makeStateFile,
  outboxPath,
  repositoryKeyOf,
  senderLeasePath,
  stateDirectory,
  unidentifiedOutboxPath,
} from '#dist/project/state-directory.js'
import {
  PROJECT,
  REPOSITORY_KEY,
  codeOf,
  openOutbox,
  temporaryFolder,
} from '../support/store-fixtures.ts'

const DEFAULT = envPaths('kittiwake', { suffix: '' }).data

describe('the state directory', () => {
  it('is KITTIWAKE_HOME when that says something, else the platform’s', () => {
    expect(stateDirectory({ KITTIWAKE_HOME: '/a/b' })).toBe(resolve('/a/b'))
    expect(stateDirectory({ KITTIWAKE_HOME: '' })).toBe(resolve(DEFAULT))
    expect(stateDirectory({})).toBe(resolve(DEFAULT))
  })

  it.each(['here', './here', '../here', '~/state'])(
    'is not %j, of which each folder has another',
    (home) => {
      expect(codeOf(() => stateDirectory({ KITTIWAKE_HOME: home }))).toBe('STATE_RELATIVE')
    },
  )

  it('is refused where no database could lie in it, and taken where one just can', () => {
    const folder = temporaryFolder()
    const rest = 444 - Buffer.byteLength(folder) - 2 - 200
    const longest = join(folder, 'a'.repeat(200), 'b'.repeat(rest))
    openOutbox({ path: outboxPath(longest, PROJECT) })
    const longer = join(folder, 'a'.repeat(200), 'b'.repeat(rest + 1))
    const open = () => openOutbox({ path: outboxPath(longer, PROJECT) })
    expect(open).toThrow(
      expect.objectContaining({
        code: 'STATE_UNREACHABLE',
        hint: expect.stringContaining('too long'),
      }),
    )
  })

  it('knows the default under any spelling', () => {
    expect(isDefaultStateDirectory(join(DEFAULT, '..', 'kittiwake'))).toBe(true)
    expect(isDefaultStateDirectory(temporaryFolder())).toBe(false)
  })

  it('has a place of its own for each project and repository', () => {
    expect(outboxPath('/s', PROJECT)).toBe(join('/s', 'projects', PROJECT, 'outbox.db'))
    expect(senderLeasePath('/s', PROJECT)).toBe(join('/s', 'projects', PROJECT, 'sender.db'))
    expect(unidentifiedOutboxPath('/s', REPOSITORY_KEY)).toBe(
      join('/s', 'unidentified', REPOSITORY_KEY, 'outbox.db'),
    )
  })

  it.each(['', '..', '../x', PROJECT.toUpperCase(), `${PROJECT}\n`, `${PROJECT}/..`, 'a\0b'])(
    'never joins %j to a path',
    (id) => {
      expect(codeOf(() => outboxPath('/s', id))).toBe('STATE_PATH')
      expect(codeOf(() => senderLeasePath('/s', id))).toBe('STATE_PATH')
      expect(codeOf(() => unidentifiedOutboxPath('/s', id))).toBe('STATE_PATH')
    },
  )

  it.skipIf(process.platform === 'win32')('keys a repository by its real place', () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'real'))
    symlinkSync(join(folder, 'real'), join(folder, 'link'))
    const key = repositoryKeyOf(join(folder, 'real'))
    expect(key).toMatch(/^[0-9a-f]{32}$/)
    expect(repositoryKeyOf(join(folder, 'link'))).toBe(key)
    expect(repositoryKeyOf(folder)).not.toBe(key)
  })

  it.skipIf(process.platform === 'win32')('takes from others the rights on its files', () => {
    const path = join(temporaryFolder(), 'deep', 'file')
    makeStateFile(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const open = join(temporaryFolder(), 'file')
    writeFileSync(open, 'kept', { mode: 0o644 })
    makeStateFile(open)
    expect([statSync(open).mode & 0o777, readFileSync(open, 'utf8')]).toEqual([0o600, 'kept'])
  })
})
