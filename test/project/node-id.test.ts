import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import envPaths from 'env-paths'
import { describe, expect, it } from 'vitest'

import { nodeIdOf, plainNodeIdOf } from '#dist/project/node-id.js'
import { codeOf, temporaryFolder } from '../support/store-fixtures.ts'

const run = promisify(execFile)
const MINTER = fileURLToPath(new URL('../support/node-minter.mjs', import.meta.url))
const MACHINE = { hostname: 'host', username: 'üser' }
const DEFAULT = envPaths('kittiwake', { suffix: '' }).data
const PLAIN_NODE = createHash('sha256').update('host:üser', 'utf8').digest('hex').slice(0, 12)

describe('the node id', () => {
  it('is the hash of host and user for the default directory, without a file', () => {
    expect(nodeIdOf(DEFAULT, MACHINE)).toBe(PLAIN_NODE)
    expect(plainNodeIdOf(MACHINE)).toBe(PLAIN_NODE)
  })

  it('is of its own for any other directory, and stays (L10)', () => {
    const [one, two] = [join(temporaryFolder(), 'state'), temporaryFolder()]
    const id = nodeIdOf(one, MACHINE)
    expect(id).toMatch(/^[0-9a-f]{12}$/)
    expect(nodeIdOf(one, MACHINE)).toBe(id)
    expect(new Set([id, nodeIdOf(two, MACHINE), PLAIN_NODE]).size).toBe(3)
    expect(nodeIdOf(one, { ...MACHINE, username: 'other' })).not.toBe(id)
    expect(readdirSync(one)).toEqual(['node'])
  })

  it('is the same for all who come first at once (L10)', async () => {
    const state = join(temporaryFolder(), 'state')
    const says = await Promise.all(
      Array.from({ length: 6 }, () => run(process.execPath, [MINTER, state])),
    )
    expect(new Set(says.map(({ stdout }) => stdout.trim()))).toEqual(
      new Set([nodeIdOf(state, MACHINE)]),
    )
    expect(readdirSync(state)).toEqual(['node'])
  })

  it.skipIf(process.platform === 'win32')('is kept where only this user can read it', () => {
    const state = temporaryFolder()
    nodeIdOf(state, MACHINE)
    expect(statSync(join(state, 'node')).mode & 0o777).toBe(0o600)
  })

  it.each(['', 'half', 'x'.repeat(32)])('refuses a file of %j and leaves it (L14)', (content) => {
    const state = temporaryFolder()
    writeFileSync(join(state, 'node'), content)
    expect(codeOf(() => nodeIdOf(state, MACHINE))).toBe('STATE_NODE_UNREADABLE')
    expect(readFileSync(join(state, 'node'), 'utf8')).toBe(content)
  })
})
