/** The id of a node: one machine and state directory, whose Lamport clock is ticked there. */
import { createHash, randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { StoreError, systemCode } from '../errors.ts'
import { createDurably, syncFolder, temporaryBeside } from './files/durable-file.ts'
import type { Machine } from './machine.ts'
import { isDefaultStateDirectory, makeStateFolder, stateUnreachable } from './state-directory.ts'

const NODE_FILE = 'node'
const NODE_SECRET_PATTERN = /^[0-9a-f]{32}$/
const NODE_ID_LENGTH = 12

/**
 * The 12 hex digits of the node: machine and state directory. For the default directory the hash of
 * `host:user`; any other directory mixes in a random id of its own, minted here on the first call.
 *
 * @throws StoreError STATE_NODE_UNREADABLE, STATE_UNREACHABLE
 */
export function nodeIdOf(state: string, machine: Machine): string {
  if (isDefaultStateDirectory(state)) return plainNodeIdOf(machine)
  return nodeIdFrom(machine, readNodeSecret(state) ?? mintNodeSecret(state))
}

/** The node id in the default state directory, which needs no file. */
export function plainNodeIdOf(machine: Machine): string {
  return nodeIdFrom(machine, null)
}

function nodeIdFrom(machine: Machine, secret: string | null): string {
  const base = `${machine.hostname}:${machine.username}`
  const text = secret === null ? base : `${base}:${secret}`
  return createHash('sha256').update(text, 'utf8').digest('hex').slice(0, NODE_ID_LENGTH)
}

function readNodeSecret(state: string): string | null {
  let text: string
  try {
    text = readFileSync(join(state, NODE_FILE), 'latin1').trimEnd()
  } catch (error) {
    // Of a directory that can't be made it is said when it is to be made.
    if (/^(?:ENOENT|ENOTDIR|ENAMETOOLONG)$/.test(systemCode(error) ?? '')) return null
    throw unreadableNode(error)
  }
  if (NODE_SECRET_PATTERN.test(text)) return text
  throw unreadableNode(null)
}

/** The name appears with its content or not at all, and whoever links it first wins. */
function mintNodeSecret(state: string): string {
  makeStateFolder(state)
  const target = join(state, NODE_FILE)
  const temporary = temporaryBeside(target)
  const secret = randomBytes(16).toString('hex')
  try {
    createDurably(temporary, { text: `${secret}\n`, mode: 0o600 })
    linkSync(temporary, target)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw stateUnreachable(error)
  } finally {
    rmSync(temporary, { force: true })
  }
  syncFolder(state)
  return readNodeSecret(state) ?? secret
}

function unreadableNode(cause: unknown): StoreError {
  return new StoreError(
    'STATE_NODE_UNREADABLE',
    `the file "${NODE_FILE}" of the state directory must hold 32 hex digits`,
    { hint: 'Check the rights of the state directory, or move that file away.', cause },
  )
}
