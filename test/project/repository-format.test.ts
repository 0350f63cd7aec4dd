import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readFormat } from '#dist/project/git/repository-format.js'
import { makeFolder, write } from './sandbox.ts'

const folder = makeFolder()
const formatOf = (config: string) => {
  write(join(folder, 'config'), config)
  return readFormat(folder)
}

test('a repository is refused for what can not be committed to, and taken otherwise', () => {
  expect(readFormat(folder).unsupported).toBeNull()
  for (const [config, supported] of [
    ['', true],
    ['[core]\n\trepositoryformatversion = 0\n', true],
    ['[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tworktreeConfig = true\n', true],
    ['[extensions]\n\tobjectFormat = sha1\n\tpartialClone = origin\n', true],
    ['[extensions]\n\tfuture\n', true],
    ['[core]\n\trepositoryformatversion = 2\n', false],
    ['[core] repositoryformatversion = 1\n[extensions]\nobjectformat = SHA256\n', true],
    ['[core] repositoryformatversion = 1\n[extensions]\nobjectformat = sha512\n', false],
    // Git knows the extension in version 1 only.
    ['[extensions]\nobjectformat = sha256\n', false],
    ['[extensions]\n\trefstorage = reftable # new\n', false],
    ['[core]\nrepositoryformatversion = 1\n[extensions]\n\tfuture\n', false],
  ] as const) {
    expect(formatOf(config).unsupported === null, config).toBe(supported)
  }
})

test('objects are named by SHA-1 where nothing else is said', () => {
  expect(formatOf('').hash).toBe('sha1')
  const config = '[core]\nrepositoryformatversion = 1\n[extensions]\nobjectFormat = sha256\n'
  expect(formatOf(config).hash).toBe('sha256')
})

test('reflogs are made unless the configuration says no', () => {
  for (const [value, made] of [
    ['false', false],
    ['always', true],
    ['no', false],
    ['true', true],
  ] as const) {
    const { createReflogs } = formatOf(`[core]\n\tlogAllRefUpdates = ${value}\n`)
    expect(createReflogs, value).toBe(made)
  }
})

test('a configuration that can not be read is refused, never taken for an empty one', () => {
  const broken = join(folder, 'broken')
  mkdirSync(join(broken, 'config'), { recursive: true })
  expect(readFormat(broken).unsupported).not.toBeNull()
})
