/** What the keys do. */
import { useLayoutEffect, useRef } from 'preact/hooks'

export type KeyWords = {
  /** As they stand on a keyboard, with blanks between them. */
  readonly keys: string
  readonly does: string
}

export function KeysHelp({
  keys: rows,
  close,
}: {
  readonly keys: readonly KeyWords[]
  readonly close: () => void
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog
      ref={dialog}
      class="help"
      aria-label="Keys"
      onClose={close}
      onClick={({ target }) => (target === dialog.current ? dialog.current?.close() : undefined)}
    >
      <header>
        <h2>Keys</h2>
        <button
          type="button"
          class="quiet"
          aria-label="Close"
          onClick={() => dialog.current?.close()}
        >
          ✕
        </button>
      </header>
      <dl>
        {rows.map(({ keys, does }) => (
          <div key={keys + does}>
            <dt>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  )
}
