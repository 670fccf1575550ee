"""A film on a web server that can't send parts of it: the film is downloaded first, then played."""

import http.client
import shutil
import tempfile
from pathlib import Path

from edge.capture import Source
from edge.config import EdgeConfig
from edge.errors import SourceError
from edge.results import BgrImage
from edge.video import VideoSource
from edge.web_client import get


class WebFilm(Source):
    """A film that is downloaded into a temporary file at the first read, since FFmpeg could not seek in it."""

    def __init__(self, url: str, name: str, config: EdgeConfig) -> None:
        self._url, self._name, self._config = url, name, config
        self._folder = tempfile.TemporaryDirectory(prefix="emotion-film-")
        self._film: VideoSource | None = None

    def read(self) -> BgrImage | None:
        """Read the next image, None at the end."""
        if self._film is None:
            self._film = VideoSource(self._fetched(), name=self._name)
            self.fps = self._film.fps
        image = self._film.read()
        self.position_s, self.failed = self._film.position_s, self._film.failed
        return image

    def close(self) -> None:
        """Close the film and delete the file."""
        if self._film is not None:
            self._film.close()
        self._folder.cleanup()

    def _fetched(self) -> Path:
        path = Path(self._folder.name) / "film"
        try:
            with get(self._url, self._config.read_timeout_s) as answer, path.open("wb") as file:
                shutil.copyfileobj(answer, file)
        except (OSError, http.client.HTTPException) as error:
            raise SourceError(f"Expected the whole film at {self._name}. Received: {error}") from error
        return path
