"""The browser app: ``python app.py`` opens PartCLIPSeg on http://127.0.0.1:7860."""

from partclipseg import studio

settings = studio.Settings.from_environment()
demo = studio.build(settings)

if __name__ == "__main__":
    demo.launch(**studio.launch_kwargs(settings))
