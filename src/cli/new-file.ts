/** A file of lines that has its name when it is whole: a half would be taken for all. */
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { systemCode, UsageError } from '../errors.ts'
import {
  discard,
  sweepLeftovers,
  takeNewName,
  temporaryBeside,
} from '../project/files/durable-file.ts'

/** Of another run into a file of the same name. */
const LEFTOVER_MS = 3_600_000

export class NewFile {
  readonly #path: string
  readonly #temporary: string
  readonly #file: FileHandle

  private constructor(path: string, temporary: string, file: FileHandle) {
    this.#path = path
    this.#temporary = temporary
    this.#file = file
  }

  /** @throws UsageError OUTPUT_EXISTS, OUTPUT_UNWRITABLE */
  static async make(path: string): Promise<NewFile> {
    if (existsSync(path)) throw taken()
    const temporary = temporaryBeside(path)
    try {
      sweepLeftovers(path, LEFTOVER_MS)
      return new NewFile(path, temporary, await open(temporary, 'wx'))
    } catch (error) {
      throw unwritable(error)
    }
  }

  async write(line: string): Promise<void> {
    await this.#file.write(`${line}\n`).catch((error: unknown) => {
      throw unwritable(error)
    })
  }

  /** @throws UsageError OUTPUT_EXISTS, OUTPUT_UNWRITABLE */
  async finish(): Promise<void> {
    try {
      await this.#file.sync()
      if (takeNewName(this.#temporary, this.#path)) return
    } catch (error) {
      throw unwritable(error)
    }
    throw taken()
  }

  async close(): Promise<void> {
    await this.#file.close()
    discard(this.#temporary)
  }
}

function taken(): UsageError {
  return new UsageError('OUTPUT_EXISTS', 'the output is there already', {
    hint: 'Name a file that is not there yet.',
  })
}

function unwritable(cause: unknown): UsageError {
  const code = systemCode(cause) ?? 'unknown'
  return new UsageError('OUTPUT_UNWRITABLE', `the output can't be written (${code})`, {
    hint: 'Check the path and its permissions.',
    cause,
  })
}
