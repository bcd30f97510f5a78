"""Makes the picture of the studio in the README: the real window with the people tracking example, while it runs.

    xvfb-run --auto-servernum --server-args='-screen 0 1920x1200x24' python resources/docs/screenshot.py

It takes half a minute, for the figures to settle, and writes studio.png beside itself.
"""

import tempfile
from pathlib import Path

from PySide6.QtCore import QSettings, QStandardPaths, QTimer

from pypipeline_engine.resources import get_examples
from pypipeline_studio.window.application import make_application
from pypipeline_studio.window.main_window import MainWindow

TARGET = Path(__file__).with_name("studio.png")
SETTLED_S = 20.0
WIDTH, HEIGHT = 1600, 1000


def main() -> None:
    # Neither the settings of whoever makes the picture nor their files take part.
    QStandardPaths.setTestModeEnabled(True)
    application = make_application("dark")
    QSettings().clear()
    with tempfile.TemporaryDirectory() as output:
        window = MainWindow(Path(output))
        window.resize(WIDTH, HEIGHT)
        window.session.open(get_examples()["people_tracking"])
        window.show()
        window.engine.catalogue_arrived.connect(lambda _: window.run_control.start())

        def take_picture() -> None:
            snapshot = window.run_control.snapshot
            if snapshot is None or snapshot.elapsed_s < SETTLED_S or window.engine.state != "ready":
                return
            window.run_control.live_changed.disconnect(take_picture)
            window.canvas.select(["detect"])
            QTimer.singleShot(300, save)

        def save() -> None:
            window.grab().save(str(TARGET))
            window.close()

        window.run_control.live_changed.connect(take_picture)
        window.start_engine()
        application.exec()


if __name__ == "__main__":
    main()
