/** The bytes of a file, a pipe or standard input, until their end or the interruption; never a hang that no signal ends. */
import { constants, fstatSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { InputError, KittiwakeError, systemCode, UsageError } from '../errors.ts'
import type { Context } from './context.ts'

const CHUNK_BYTES = 64 * 1024
/** How often a pipe is asked whether it has more. */
const LOOK_MS = 5
// Windows has no such pipes in its file system, and no such flag.
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/**
 * `-` is standard input. A pipe that nobody has opened to write is given up after `writerWaitMs`.
 *
 * @throws UsageError INPUT_UNREADABLE
 */
export async function* readChunks(
  source: string,
  context: Context,
  writerWaitMs: number,
): AsyncGenerator<Buffer> {
  if (source === '-') {
    yield* readStandardInput(context)
    return
  }
  try {
    const file = await open(resolve(context.cwd, source), FLAGS)
    try {
      const stat = fstatSync(file.fd)
      if (stat.isFIFO()) yield* readPipe(file.fd, context.signal, writerWaitMs)
      else if (stat.isFile()) yield* readFile(file, context.signal)
      else throw unreadable(`a file or a pipe is expected: ${source}`)
    } finally {
      await file.close()
    }
  } catch (error) {
    const code = systemCode(error)
    if (error instanceof KittiwakeError || code === null) throw error
    throw unreadable(`the input can't be read (${code}): ${source}`)
  }
}

/** What a command throws that was interrupted before it did anything. */
export function interrupted(): InputError {
  return new InputError('INTERRUPTED', 'interrupted before the input was complete')
}

async function* readStandardInput({ stdin, signal }: Context): AsyncGenerator<Buffer> {
  const stop = (): void => void stdin.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    if (signal.aborted) return
    for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
      yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      if (signal.aborted) return
    }
  } catch (error) {
    if (signal.aborted) return
    throw unreadable(`standard input can't be read (${systemCode(error) ?? 'closed'})`)
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

async function* readFile(file: FileHandle, signal: AbortSignal): AsyncGenerator<Buffer> {
  while (!signal.aborted) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

/** Without a writer a pipe reads as ended, so only what follows some bytes is its end. */
async function* readPipe(
  fd: number,
  signal: AbortSignal,
  writerWaitMs: number,
): AsyncGenerator<Buffer> {
  const from = performance.now()
  let hadBytes = false
  while (!signal.aborted) {
    const bytes = readNow(fd)
    if (bytes !== null && bytes.length > 0) {
      hadBytes = true
      yield bytes
      continue
    }
    if (bytes !== null && hadBytes) return
    if (bytes !== null && performance.now() - from >= writerWaitMs) {
      throw unreadable('nobody writes into the pipe')
    }
    await delay(LOOK_MS)
  }
}

/** What is there; null while a writer is there that has not written, empty without one. */
function readNow(fd: number): Buffer | null {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  try {
    return buffer.subarray(0, readSync(fd, buffer, 0, CHUNK_BYTES, null))
  } catch (error) {
    if (systemCode(error) === 'EAGAIN') return null
    throw error
  }
}

function unreadable(message: string): UsageError {
  return new UsageError('INPUT_UNREADABLE', message, {
    hint: 'Check the path and its permissions.',
  })
}
